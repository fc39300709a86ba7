"""One filter's share of the funnel: a record that is light to load, and its text."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

WORDS: Final = {
    "sample": "sampled",
    "seasons": "four seasons with S2, S1 and a label",
    "export": "pixels at hand",
    "quality": "pixels good enough",
    "import": "read whole from the published files",
    "tiles": "expert tiles",
    "pair": "paired with S2 and S1",
    "fetch": "pixels at hand and observed",
    "labels": "with OSM labels",
    "agreement": "OSM agrees with DW",
    "split": "in a split",
}
"""What the locations, or tiles, that a step keeps are."""

ENTERED: Final = {"tiles": "files found", "import": "locations in the published files"}
"""What came into a first step that drops some."""


@dataclass(frozen=True)
class FunnelStep:
    """One filter of the pipeline."""

    stage: str
    entered: int
    """Locations that came in."""
    kept: int
    """Locations that went on."""
    reasons: tuple[tuple[str, int], ...]
    """(reason, locations dropped for it), the commonest first."""
    by_season: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """(what is lacking, locations that lack it in season 0, 1, 2 and 3), the commonest first.

    A location may lack several things in several seasons, so that these are more than were dropped.
    """


def sample_step(sampled: int) -> FunnelStep:
    """The first step, which drops nothing."""
    return FunnelStep("sample", sampled, sampled, ())


def step_from(plain: Mapping[str, Any]) -> FunnelStep:
    """A step from its plain form, as in an event."""
    reasons = tuple((reason, count) for reason, count in plain["reasons"])
    by_season = tuple((what, tuple(counts)) for what, counts in plain["by_season"])
    return FunnelStep(plain["stage"], plain["entered"], plain["kept"], reasons, by_season)


def joined(stage: str, steps: Sequence[FunnelStep]) -> FunnelStep:
    """One stage's steps of several parts as one."""
    reasons: Counter[str] = Counter()
    lacking: Counter[tuple[str, int]] = Counter()
    for step in steps:
        reasons.update(dict(step.reasons))
        lacking.update({(what, season): n for what, counts in step.by_season for season, n in enumerate(counts)})
    seasons = max((len(counts) for step in steps for _, counts in step.by_season), default=0)
    entered, kept = sum(step.entered for step in steps), sum(step.kept for step in steps)
    return FunnelStep(stage, entered, kept, commonest_first(reasons), season_counts(lacking, seasons))


def funnel_lines(steps: Sequence[FunnelStep], *, by_season: bool = False) -> list[str]:
    """The funnel as text, a line a filter and a line a reason; `by_season` adds which season lacks what."""
    lines = []
    for step in steps:
        if step.stage in ENTERED and step.entered > step.kept:
            lines.append(f"  {ENTERED[step.stage]:<38}{step.entered:>8}")
        if step.entered:
            lines.append(f"  {WORDS[step.stage]:<38}{step.kept:>8}")
            lines += [f"      less {reason:<31}{-count:>8}" for reason, count in step.reasons]
        if by_season and step.by_season:
            seasons = range(len(step.by_season[0][1]))
            lines.append(f"        {'lacking in season':<27}" + "".join(f"{season:>8}" for season in seasons))
            lines += [f"        {what:<27}" + "".join(f"{n:>8}" for n in counts) for what, counts in step.by_season]
    return lines


def commonest_first(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    """(name, count) in the order of a funnel."""
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def season_counts(lacking: Counter[tuple[str, int]], seasons: int) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """`FunnelStep.by_season` from counts of (what is lacking, season 0..seasons-1)."""
    totals: Counter[str] = Counter()
    for (what, _), count in lacking.items():
        totals[what] += count
    return tuple((what, tuple(lacking[what, at] for at in range(seasons))) for what, _ in commonest_first(totals))
