"""How many locations each filter let through, why the others went, and which season lacked what."""

from collections import Counter
from collections.abc import Iterable
from typing import Final, Protocol

from pipeline.funnel_step import FunnelStep, commonest_first, sample_step, season_counts
from pipeline.schema.errors import FailureKind
from pipeline.schema.records import N_SEASONS, ExportRecord, Lack

NO_SCENES: Final = "scenes could not be had"
"""As NO_PIXELS, of the question which scenes there are."""

NO_PIXELS: Final = "pixels could not be had"
"""Asked for in vain, and the recipe allows a share of such locations."""

STILL_TO_COME: Final = "pixels still to be had"
"""The next run asks for them again."""

NOTHING_THERE: Final = "no pixels there"
"""The source answered that it has none."""


NO_LABEL: Final = "no DW label"
"""Of a season whose Sentinel-2 scene Dynamic World has no label of."""


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


def funnel(
    sampled: int, seasons: Iterable[Judged], exported: Iterable[ExportRecord], quality: Iterable[Judged]
) -> tuple[FunnelStep, ...]:
    """The four steps of a build: sampled, four seasons by metadata, pixels at hand, four seasons by pixels."""
    return (
        sample_step(sampled),
        judged_step("seasons", seasons),
        export_step(exported),
        judged_step("quality", quality),
    )


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
    return FunnelStep(stage, entered, kept, commonest_first(reasons), season_counts(lacking, N_SEASONS))


def export_reason(kind: FailureKind) -> str:
    """Why a location has no pixels, in the words that the funnel counts by."""
    return {FailureKind.PERMANENT: NO_PIXELS, FailureKind.EMPTY: NOTHING_THERE}.get(kind, STILL_TO_COME)


def export_step(exported: Iterable[ExportRecord]) -> FunnelStep:
    """What became of the requests for pixels, a record a location."""
    kinds = Counter(record.failure_kind for record in exported)
    reasons: Counter[str] = Counter()
    for kind, count in kinds.items():
        if kind is not None:
            reasons[export_reason(kind)] += count
    return FunnelStep("export", kinds.total(), kinds[None], commonest_first(reasons))


def nothing_left(steps: Iterable[FunnelStep]) -> str:
    """What to tell of a build that no location has come through: why they went, and what to change."""
    reasons: Counter[str] = Counter()
    for step in steps:
        reasons.update(dict(step.reasons))
    went = ", ".join(f"{reason} {count}" for reason, count in commonest_first(reasons))
    labels = " (seasons.prefer_labelled=true chooses scenes that have one)" if NO_LABEL in reasons else ""
    return (
        f"no location passed the filters, so there is no store to write; dropped for: {went or 'nothing that is told'}"
        f"{labels}. Sample more places or farther apart, or widen seasons.window_days"
    )
