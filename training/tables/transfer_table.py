"""Transfer results on one downstream set, in the layout of Tables II to IV."""

from collections.abc import Sequence
from typing import Final

from training.tables.names import FULL_SIZES, METRICS, MODES, TABLE_NUMBERS, dataset_title, mode_rank, with_bands
from training.tables.own_rows import PUBLISHED_SOURCE, JoinedRuns, ground, joined, network, source_words, told_apart
from training.tables.published_figures import PublishedScore, transfer_scores
from training.tables.runs import TransferRun
from training.tables.table import Cell, Row, Table, score_cell, with_best

WORD_HEADS: Final = ("Input", "Backbone", "Weights", "Source")
PAPER_MODES: Final = MODES[:2]


def transfer_table(dataset: str, runs: Sequence[TransferRun]) -> Table:
    """The table of one set from all runs; only those that learnt from all training tiles are in it."""
    own = [run for run in runs if run.dataset == dataset and run.train_share == 1.0]
    modes = sorted({*PAPER_MODES, *(run.encoder for run in own)}, key=mode_rank)
    published = transfer_scores(dataset, TABLE_NUMBERS.get(dataset, ""))
    rows = [row for band in ("S1", "S2") for row in (*_published(published, band, modes), *_own(own, band, modes))]
    number = TABLE_NUMBERS.get(dataset)
    return Table(
        key=f"transfer-{dataset}",
        title=f"Transfer to {dataset_title(dataset)}" + (f" (Table {number} of the paper)" if number else ""),
        word_heads=WORD_HEADS,
        heads=tuple((mode, metric) for mode in modes for metric in METRICS),
        rows=with_best(rows),
        notes=_notes(dataset, own),
        main_word=2,
    )


def _published(scores: Sequence[PublishedScore], band: str, modes: Sequence[str]) -> list[Row]:
    by_row: dict[tuple[str, str, int | None], dict[tuple[str, str], Cell]] = {}
    for score in scores:
        if score.input == band:
            cells = by_row.setdefault((score.backbone, score.name, score.s2_bands), {})
            cells[score.encoder, score.metric] = Cell(score.mean, score.std, decimals=score.decimals)
    return [
        Row(
            words=(band, backbone, with_bands(name, bands), PUBLISHED_SOURCE),
            cells=tuple(cells.get((mode, metric)) for mode in modes for metric in METRICS),
            origin="paper",
            block=f"{band} paper",
        )
        for (backbone, name, bands), cells in by_row.items()
    ]


def _own(runs: Sequence[TransferRun], band: str, modes: Sequence[str]) -> list[Row]:
    of_band = [run for run in runs if run.input == band]
    rows = joined(of_band, key=lambda run: (network(run), ground(run)), place=lambda run: run.encoder)
    return [
        Row(
            words=(band, row.first.backbone, row.name, _source(row)),
            cells=tuple(_cell(row.runs.get(mode), metric) for mode in modes for metric in METRICS),
            origin="ours",
            block=f"{band} ours",
        )
        for row in told_apart(rows, shown=lambda row: (row.first.backbone, _source(row)))
    ]


def _source(row: JoinedRuns) -> str:
    return source_words(list(row.runs.values()))


def _cell(run: TransferRun | None, metric: str) -> Cell | None:
    return None if run is None else score_cell(run.scores[metric], arena=(run.input, ground(run)))


def _notes(dataset: str, own: Sequence[TransferRun]) -> tuple[str, ...]:
    full = FULL_SIZES.get(dataset)
    notes = []
    if full is not None:
        notes.append(f"Published rows are of the full set: {full[0]:,} training and {full[1]:,} test tiles.")
    if not own:
        return (*notes, "There is no run of ours on this set.")
    grounds = {ground(run) for run in own}
    notes.append("Rows of ours are of the tiles that Source tells, training + test.")
    if len(grounds) > 1:
        notes.append("They are of several stores, and the bold figures compare only rows of the same tiles.")
    return tuple(notes)
