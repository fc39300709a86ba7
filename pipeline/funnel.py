"""How many locations each filter let through, and why the others went."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.schema.records import QualityRecord, Verdict


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


def funnel(sampled: int, seasons: Iterable[Verdict], quality: Sequence[QualityRecord]) -> tuple[FunnelStep, ...]:
    """The three steps of a build: sampled, four seasons by metadata, four seasons by pixels."""
    return (
        FunnelStep("sample", sampled, sampled, ()),
        _step("seasons", list(seasons)),
        _step("quality", quality),
    )


def _step(stage: str, verdicts: Sequence[Verdict | QualityRecord]) -> FunnelStep:
    dropped = Counter(v.reason for v in verdicts if not v.kept)
    ordered = tuple(sorted(dropped.items(), key=lambda item: (-item[1], item[0])))
    return FunnelStep(stage, len(verdicts), sum(v.kept for v in verdicts), ordered)
