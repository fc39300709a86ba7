"""How few training tiles do: scores by the share of the training tiles that were learnt from."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from training.tables.names import dataset_title, mode_rank
from training.tables.own_rows import ground, joined, network, row_order, test_ground, told_apart
from training.tables.runs import TransferRun
from training.tables.table import Cell, Row, Table, score_cell, with_best

METRIC: Final = "mIoU"


@dataclass(frozen=True)
class EfficiencyLine:
    """One row of the table, one line of the figure."""

    name: str
    plain_name: str
    """Without the number of bands."""
    input: str
    encoder: str
    runs: tuple[TransferRun, ...]
    """In rising share, at least two."""


def efficiency_lines(dataset: str, runs: Sequence[TransferRun]) -> tuple[EfficiencyLine, ...]:
    """Runs on one set that differ in nothing but the share of the training tiles."""
    rows = joined(
        (run for run in runs if run.dataset == dataset),
        key=_but_for_the_share,
        place=lambda run: run.train_share,
    )
    several = told_apart(
        [row for row in rows if len(row.runs) > 1], shown=lambda row: (row.first.input, row.first.encoder)
    )
    lines = [
        EfficiencyLine(
            row.name,
            row.name.replace(f" ({row.first.shown_bands}B)", "", 1),
            row.first.input,
            row.first.encoder,
            tuple(sorted(row.runs.values(), key=lambda run: run.train_share)),
        )
        for row in several
    ]
    return tuple(sorted(lines, key=lambda line: (line.input, mode_rank(line.encoder), row_order(line.runs[0]))))


def efficiency_table(dataset: str, runs: Sequence[TransferRun]) -> Table | None:
    """mIoU by share; None where no row has several shares."""
    lines = efficiency_lines(dataset, runs)
    if not lines:
        return None
    shares = sorted({run.train_share for line in lines for run in line.runs})
    tiles = {
        share: sorted({r.train_tiles for line in lines for r in line.runs if r.train_share == share})
        for share in shares
    }
    return Table(
        key=f"label-efficiency-{dataset}",
        title=f"{METRIC} by share of the training tiles on {dataset_title(dataset)}",
        word_heads=("Input", "Encoder", "Weights", "Seeds"),
        heads=tuple((share_words(share),) for share in shares),
        rows=with_best([_row(line, shares) for line in lines]),
        notes=(
            "Training tiles: "
            + ", ".join(f"{' or '.join(map(str, tiles[share]))} at {share_words(share)}" for share in shares)
            + ".",
        ),
        main_word=2,
    )


def share_words(share: float) -> str:
    """A share of the training tiles: '5 %'."""
    return f"{100 * share:.3g} %"


def _but_for_the_share(run: TransferRun) -> tuple[Hashable, ...]:
    """What runs of one line have in common: all but the share, so also the training store and how it was learnt."""
    return (network(run), run.encoder, test_ground(run), run.made.train_tiles[:1], run.made.training)


def _row(line: EfficiencyLine, shares: Sequence[float]) -> Row:
    cells: dict[float, Cell | None] = {
        run.train_share: score_cell(run.scores[METRIC], arena=(line.input, line.encoder, ground(run)))
        for run in line.runs
    }
    counts = sorted({len(run.seeds) for run in line.runs})
    return Row(
        words=(line.input, line.encoder, line.name, " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))),
        cells=tuple(cells.get(share) for share in shares),
        origin="ours",
        block=f"{line.input} {line.encoder}",
    )
