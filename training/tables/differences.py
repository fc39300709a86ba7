"""Paired differences over seeds: how much better one row is than another, and how sure that is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import Final

from scipy import stats

from pipeline.schema.errors import UsageError
from training.tables.names import BASELINE, NO_SELECTION_TWINS, mode_rank, same_name, with_bands
from training.tables.own_rows import ground, row_name, row_order
from training.tables.runs import TransferRun

CONFIDENCE: Final = 0.95


@dataclass(frozen=True)
class Pairing:
    """Which rows are set against which others."""

    against: tuple[str, ...] = ()
    """Every row is set against these."""
    pairs: tuple[tuple[str, str], ...] = ()
    """Each first row is set against its second one."""

    @property
    def chosen(self) -> bool:
        """Whether the user chose anything; else it is random for every row, and its no-selection twin for CromSS."""
        return bool(self.against or self.pairs)


@dataclass(frozen=True)
class Difference:
    """The scores of one run less those of another on the same tiles, over the seeds that both have."""

    first: TransferRun
    second: TransferRun
    seeds: tuple[int, ...]

    def of_scores(self, metric: str) -> "PairedDifference":
        """The difference of one metric, of scores of 0..1."""
        theirs = dict(zip(self.second.seeds, self.second.scores[metric], strict=True))
        ours = dict(zip(self.first.seeds, self.first.scores[metric], strict=True))
        return paired_difference([ours[seed] - theirs[seed] for seed in self.seeds])


@dataclass(frozen=True)
class PairedDifference:
    """A mean difference and its confidence interval."""

    mean: float
    std: float | None
    """Sample standard deviation of the differences; None of a single one."""
    low: float | None
    high: float | None
    """Ends of the interval; None of a single difference."""


def paired_difference(differences: Sequence[float]) -> PairedDifference:
    """The mean of paired differences, and its 95 % interval by Student's t with n - 1 degrees of freedom."""
    middle, n = mean(differences), len(differences)
    if n == 1:
        return PairedDifference(middle, None, None, None)
    spread = stdev(differences)
    half = half_width_factor(n) * spread
    return PairedDifference(middle, spread, middle - half, middle + half)


def half_width_factor(n: int) -> float:
    """Half the width of the interval of n >= 2 differences, in their standard deviations: 2.48 for 3."""
    return float(stats.t.ppf((1.0 + CONFIDENCE) / 2.0, n - 1)) / sqrt(n)


def differences(runs: Sequence[TransferRun], pairing: Pairing) -> tuple[Difference, ...]:
    """Every pair that is asked for and that has the same tiles, input and treatment of the encoder.

    Rows have the same number of bands, backbone, framework and training settings too, unless a pair was named by the
    user and has no such partner. UsageError for a name that no run has.
    """
    _require_known(runs, pairing)
    found: dict[tuple[Path, Path], Difference] = {}
    for run in sorted(runs, key=lambda run: (run.dataset, -run.train_share, mode_rank(run.encoder), row_order(run))):
        for name, named in _partners(run, pairing):
            for difference in _against(run, name, runs, named=named):
                found.setdefault((run.folder, difference.second.folder), difference)
    return tuple(found.values())


def _partners(run: TransferRun, pairing: Pairing) -> list[tuple[str, bool]]:
    """Names that a run is set against, and whether the user named the pair."""
    if not pairing.chosen:
        twins = [twin for name, twin in NO_SELECTION_TWINS.items() if same_name(run.name, name)]
        return [(BASELINE, False), *((twin, False) for twin in twins)]
    pairs = [(second, True) for first, second in pairing.pairs if _called(run, first)]
    return [*((name, True) for name in pairing.against), *pairs]


def _against(run: TransferRun, name: str, runs: Iterable[TransferRun], *, named: bool) -> list[Difference]:
    partners = [
        other
        for other in runs
        if other is not run
        and _called(other, name)
        and not _called(run, name)
        and (other.input, other.encoder, ground(other)) == (run.input, run.encoder, ground(run))
    ]
    alike = [
        other for other in partners if _network(other) == _network(run) and other.made.training == run.made.training
    ]
    chosen = alike or (partners if named else [])
    shared = [(other, tuple(sorted({*run.seeds} & {*other.seeds}))) for other in chosen]
    return [Difference(run, other, seeds) for other, seeds in shared if seeds]


def _network(run: TransferRun) -> tuple[object, ...]:
    return (run.s2_bands, run.backbone, run.framework, run.load)


def _called(run: TransferRun, name: str) -> bool:
    """Whether a run goes by a name: that of its weights, with or without the bands, or the whole of its row."""
    return any(same_name(name, own) for own in (run.name, with_bands(run.name, run.shown_bands), row_name(run)))


def _require_known(runs: Sequence[TransferRun], pairing: Pairing) -> None:
    for name in (*pairing.against, *(name for pair in pairing.pairs for name in pair)):
        if not any(_called(run, name) for run in runs):
            known = ", ".join(sorted({run.name for run in runs}))
            raise UsageError(f"no row is called '{name}'; name one of {known}")
