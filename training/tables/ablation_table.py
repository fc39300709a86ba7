"""The ablation: what multi-modal pretraining and sample selection bring, in the layout of Table V."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from training.tables.names import ABLATION, DATASETS, METRICS, MODES, PAPER_BACKBONE, listed_among
from training.tables.own_rows import PUBLISHED_SOURCE, ground, joined, origin_words, row_name, size_notes
from training.tables.published_figures import ablation_scores
from training.tables.runs import TransferRun
from training.tables.table import Cell, Row, Table, score_cell, with_best

SHOWN_METRICS: Final = METRICS[:3]
PLACES: Final = tuple((dataset, mode, metric) for dataset in DATASETS for mode in MODES[:2] for metric in SHOWN_METRICS)
"""Columns: data set, what becomes of the encoder, metric."""


def ablation_table(runs: Sequence[TransferRun]) -> Table:
    """Runs by the paper's six names on all three sets; means alone, as there."""
    own = [run for run in runs if _belongs(run)]
    rows = [row for band in ("S1", "S2") for row in (*_published(band), *_own(own, band))]
    return Table(
        key="ablation",
        title="Ablation (Table V of the paper)",
        word_heads=("Input", "Weights", "Source"),
        heads=tuple((DATASETS[dataset], mode, metric) for dataset, mode, metric in PLACES),
        rows=with_best(rows),
        notes=(
            "Means; their standard deviations stand in the tables of the sets.",
            *size_notes(own),
            *(() if own else ("No run of ours has one of these six names.",)),
        ),
        main_word=1,
    )


def _belongs(run: TransferRun) -> bool:
    return (
        listed_among(run.name, ABLATION)
        and run.dataset in DATASETS
        and run.encoder in MODES[:2]
        and run.train_share == 1.0
    )


def _published(band: str) -> list[Row]:
    by_name: dict[str, dict[tuple[str, str, str], Cell]] = {}
    for score in ablation_scores():
        if score.input == band:
            by_name.setdefault(score.name, {})[score.dataset, score.encoder, score.metric] = Cell(
                score.mean, decimals=score.decimals
            )
    return [
        Row((band, name, PUBLISHED_SOURCE), tuple(cells.get(place) for place in PLACES), "paper", f"{band} paper")
        for name, cells in by_name.items()
    ]


def _own(runs: Sequence[TransferRun], band: str) -> list[Row]:
    # The framework is part of the row only through its words: each set of the paper has another one.
    rows = joined(
        (run for run in runs if run.input == band),
        key=lambda run: (run.name.casefold(), run.backbone, _words(run)),
        place=lambda run: (run.dataset, run.encoder),
    )
    return [
        Row(
            words=(
                band,
                _words(row.first) + (f" in {row.first.folder}" if row.named_by_folder else ""),
                origin_words(row.runs.values()),
            ),
            cells=tuple(_cell(row.runs.get((dataset, mode)), metric) for dataset, mode, metric in PLACES),
            origin="ours",
            block=f"{band} ours",
        )
        for row in rows
    ]


def _words(run: TransferRun) -> str:
    """The row's name; 13 bands and a ResNet-50, which all of Table V have, are not said."""
    name = row_name(run)
    if run.shown_bands == 13:
        name = name.replace(" (13B)", "", 1)
    return name if run.backbone == PAPER_BACKBONE else f"{name}, {run.backbone}"


def _cell(run: TransferRun | None, metric: str) -> Cell | None:
    cell = None if run is None else score_cell(run.scores[metric], arena=(run.input, ground(run)))
    return None if cell is None else replace(cell, spread=None)
