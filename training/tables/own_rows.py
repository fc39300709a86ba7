"""How runs become rows: which of them share one, what it is called, and on what it was made."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

from training.tables.names import (
    FRAMEWORKS,
    FULL_SIZES,
    PAPER_FRAMEWORKS,
    VIT_FRAMEWORK,
    dataset_title,
    name_rank,
    with_bands,
)
from training.tables.runs import TransferRun

PUBLISHED_SOURCE = "paper, full set"


@dataclass(frozen=True)
class JoinedRuns:
    """The runs of one row, each in its place of the row."""

    runs: dict[Hashable, TransferRun]
    named_by_folder: bool
    """True where another row would read the same, so that only the folders tell them apart."""

    @property
    def first(self) -> TransferRun:
        """Any of them, for what all have in common."""
        return next(iter(self.runs.values()))

    @property
    def name(self) -> str:
        """What the row is called."""
        folders = " and ".join(str(run.folder) for run in self.runs.values())
        return row_name(self.first) + (f" in {folders}" if self.named_by_folder else "")


def joined(
    runs: Iterable[TransferRun], key: Callable[[TransferRun], Hashable], place: Callable[[TransferRun], Hashable]
) -> list[JoinedRuns]:
    """Put runs of one key into one row; where two would take one place, every run of that key gets a row of its own."""
    groups: dict[Hashable, list[TransferRun]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    rows: list[JoinedRuns] = []
    for group in groups.values():
        places = {place(run): run for run in group}
        if len(places) == len(group):
            rows.append(JoinedRuns(places, named_by_folder=False))
        else:
            rows.extend(JoinedRuns({place(run): run}, named_by_folder=True) for run in group)
    return sorted(rows, key=lambda row: row_order(row.first))


def told_apart(rows: Sequence[JoinedRuns], shown: Callable[[JoinedRuns], Hashable]) -> list[JoinedRuns]:
    """Name rows by their folders that would read the same: `shown` is what stands in a row beside its name."""
    alike = Counter((row.name, shown(row)) for row in rows)
    return [replace(row, named_by_folder=True) if alike[row.name, shown(row)] > 1 else row for row in rows]


def row_order(run: TransferRun) -> tuple[object, ...]:
    """Sort key of rows of one set: the paper's order of inputs, backbones and weights."""
    vit = run.backbone.startswith("ViT")
    return (run.input, not vit, run.backbone, name_rank(run.name), -(run.s2_bands or 0), run.framework, run.load)


def row_name(run: TransferRun) -> str:
    """Weights and bands, and what was done otherwise than in the paper: 'CromSS-midF (13B), U-Net, load encoder+2'."""
    expected = VIT_FRAMEWORK if run.backbone.startswith("ViT") else PAPER_FRAMEWORKS.get(run.dataset)
    words = [with_bands(run.name, run.shown_bands)]
    if run.framework != expected:
        words.append(FRAMEWORKS.get(run.framework, run.framework))
    if run.load != "encoder":
        words.append(f"load {run.load}")
    return ", ".join(words)


def network(run: TransferRun) -> tuple[Hashable, ...]:
    """What two runs of the same network and weights have in common, whatever becomes of the encoder."""
    return (run.input, run.backbone, run.name.casefold(), run.s2_bands, run.framework, run.load)


def test_ground(run: TransferRun) -> tuple[Hashable, ...]:
    """What the test sets of two runs have in common if their scores may be compared at all."""
    return (run.dataset, run.test_tiles, run.pixels, run.made.test_tiles)


def ground(run: TransferRun) -> tuple[Hashable, ...]:
    """What two runs have in common that learnt from and were tested on the same tiles."""
    return (*test_ground(run), run.train_tiles, run.train_share, run.made.train_tiles)


def source_words(runs: Sequence[TransferRun]) -> str:
    """What a row of ours was made on: 'ours, 12 + 4 tiles, 3 seeds', training tiles first."""
    tiles = sorted({(run.train_tiles, run.test_tiles) for run in runs})
    shown = " and ".join(f"{train:,} + {test:,}" for train, test in tiles)
    return f"{origin_words(runs)}, {shown} tiles, {_seeds(runs)}"


def origin_words(runs: Iterable[TransferRun]) -> str:
    """How a row of ours is told from the paper's, and one of a made-up planet from one of real land."""
    return "ours, emulated" if any(run.made.emulated for run in runs) else "ours"


def size_notes(runs: Iterable[TransferRun]) -> list[str]:
    """A sentence for each set that says what its figures, ours and the published ones, were made on."""
    by_set: dict[str, list[TransferRun]] = {}
    for run in runs:
        by_set.setdefault(run.dataset, []).append(run)
    notes = []
    for dataset, own in by_set.items():
        tiles = sorted({(run.train_tiles, run.test_tiles) for run in own})
        shown = " and ".join(f"{train:,} training and {test:,} test tiles" for train, test in tiles)
        full = FULL_SIZES.get(dataset)
        published = f"; the paper's are of {full[0]:,} and {full[1]:,}" if full else ""
        notes.append(f"Our rows on {dataset_title(dataset)} are of {shown}, {_seeds(own)}{published}.")
    return notes


def _seeds(runs: Sequence[TransferRun]) -> str:
    counts = sorted({len(run.seeds) for run in runs})
    shown = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{shown} seed" if counts == [1] else f"{shown} seeds"
