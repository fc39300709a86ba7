"""How many locations each filter let through, why the others went, and which season lacked what."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from pipeline.schema.errors import FailureKind
from pipeline.schema.records import N_SEASONS, ExportRecord, Lack, QualityRecord, Verdict

NO_PIXELS: Final = "pixels could not be had"
"""Asked for in vain, and the recipe allows a share of such locations."""

STILL_TO_COME: Final = "pixels still to be had"
"""The next run asks for them again."""

NOTHING_THERE: Final = "no pixels there"
"""The source answered that it has none."""


WORDS: Final = {
    "sample": "sampled",
    "seasons": "four seasons with S2, S1 and a label",
    "export": "pixels at hand",
    "quality": "pixels good enough",
}
"""What the locations that a step keeps are."""


class Judged(Protocol):
    """A location that a filter has judged."""

    @property
    def kept(self) -> bool:
        """Whether it stays."""
        ...

    @property
    def reason(self) -> str:
        """Why not; empty where it stays."""
        ...

    @property
    def lacking(self) -> tuple[Lack, ...]:
        """Everything that any season lacks."""
        ...


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


def funnel(
    sampled: int, seasons: Iterable[Verdict], exported: Iterable[ExportRecord], quality: Iterable[QualityRecord]
) -> tuple[FunnelStep, ...]:
    """The four steps of a build: sampled, four seasons by metadata, pixels at hand, four seasons by pixels."""
    return (
        sample_step(sampled),
        judged_step("seasons", seasons),
        export_step(exported),
        judged_step("quality", quality),
    )


def sample_step(sampled: int) -> FunnelStep:
    """The first step, which drops nothing."""
    return FunnelStep("sample", sampled, sampled, ())


def judged_step(stage: str, judged: Iterable[Judged]) -> FunnelStep:
    """A filter's step, from its verdicts in any order."""
    entered = kept = 0
    reasons: Counter[str] = Counter()
    lacking: Counter[tuple[str, int]] = Counter()
    for location in judged:
        entered += 1
        kept += location.kept
        if not location.kept:
            reasons[location.reason] += 1
        lacking.update({(lack.what, lack.season) for lack in location.lacking})
    return FunnelStep(stage, entered, kept, _ordered(reasons), _by_season(lacking))


def export_step(exported: Iterable[ExportRecord]) -> FunnelStep:
    """What became of the requests for pixels, a record a location."""
    words = {FailureKind.PERMANENT: NO_PIXELS, FailureKind.EMPTY: NOTHING_THERE}
    kinds = Counter(record.failure_kind for record in exported)
    reasons: Counter[str] = Counter()
    for kind, count in kinds.items():
        if kind is not None:
            reasons[words.get(kind, STILL_TO_COME)] += count
    return FunnelStep("export", kinds.total(), kinds[None], _ordered(reasons))


def joined(stage: str, steps: Sequence[FunnelStep]) -> FunnelStep:
    """One stage's steps of several parts as one."""
    reasons: Counter[str] = Counter()
    lacking: Counter[tuple[str, int]] = Counter()
    for step in steps:
        reasons.update(dict(step.reasons))
        lacking.update({(what, season): n for what, counts in step.by_season for season, n in enumerate(counts)})
    entered, kept = sum(step.entered for step in steps), sum(step.kept for step in steps)
    return FunnelStep(stage, entered, kept, _ordered(reasons), _by_season(lacking))


def funnel_lines(steps: Sequence[FunnelStep], *, by_season: bool = False) -> list[str]:
    """The funnel as text, a line a filter and a line a reason; `by_season` adds which season lacks what."""
    lines = []
    for step in steps:
        if step.entered:
            lines.append(f"  {WORDS[step.stage]:<38}{step.kept:>8}")
            lines += [f"      less {reason:<31}{-count:>8}" for reason, count in step.reasons]
        if by_season and step.by_season:
            lines.append(f"        {'lacking in season':<27}" + "".join(f"{season:>8}" for season in range(N_SEASONS)))
            lines += [f"        {what:<27}" + "".join(f"{n:>8}" for n in counts) for what, counts in step.by_season]
    return lines


def _ordered(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _by_season(lacking: Counter[tuple[str, int]]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    totals: Counter[str] = Counter()
    for (what, _), count in lacking.items():
        totals[what] += count
    return tuple((what, tuple(lacking[what, season] for season in range(N_SEASONS))) for what, _ in _ordered(totals))
