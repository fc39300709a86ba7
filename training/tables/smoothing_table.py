"""Label smoothing in pretraining, in the layout of Table VI."""

from collections.abc import Sequence
from typing import Final

from training.tables.names import DATASETS, MODES
from training.tables.own_rows import PUBLISHED_SOURCE, ground, joined, origin_words, row_name, size_notes
from training.tables.published_figures import smoothing_scores
from training.tables.runs import TransferRun
from training.tables.table import Cell, Row, Table, score_cell, with_best

METRIC: Final = "mIoU"
PLACES: Final = tuple((dataset, mode) for dataset in DATASETS for mode in MODES[:2])


def smoothing_table(runs: Sequence[TransferRun]) -> Table:
    """mIoU of CromSS-midF on Sentinel-2 by the weights of the two smoothing terms (eq. 13).

    Rows of ours are runs on weights of a CromSS-midF pretraining of this project, whose record tells the two weights.
    """
    own = [run for run in runs if _belongs(run)]
    return Table(
        key="label-smoothing",
        title="Label smoothing in pretraining, CromSS-midF on S2 (Table VI of the paper)",
        word_heads=("Spatial-temporal", "Uniform", "Weights", "Source"),
        heads=tuple((DATASETS[dataset], f"{mode} {METRIC}") for dataset, mode in PLACES),
        rows=with_best([*_published(), *_own(own)]),
        notes=(
            *size_notes(own),
            *(() if own else ("No run of ours is on weights of which it is known how their labels were smoothed.",)),
        ),
        main_word=2,
    )


def _belongs(run: TransferRun) -> bool:
    return (
        run.input == "S2"
        and (run.dataset, run.encoder) in PLACES
        and run.train_share == 1.0
        and run.made.smoothing is not None
    )


def _published() -> list[Row]:
    cells: dict[tuple[float, float], dict[tuple[str, str], Cell]] = {}
    for score in smoothing_scores():
        assert score.smoothing is not None
        cells.setdefault(score.smoothing, {})[score.dataset, score.encoder] = Cell(score.mean, decimals=score.decimals)
    return [
        Row(
            words=(f"{weights[0]:g}", f"{weights[1]:g}", "CromSS-midF", PUBLISHED_SOURCE),
            cells=tuple(found.get(place) for place in PLACES),
            origin="paper",
            block="paper",
        )
        for weights, found in cells.items()
    ]


def _own(own: Sequence[TransferRun]) -> list[Row]:
    rows = joined(
        own,
        key=lambda run: (run.made.smoothing, row_name(run), run.backbone),
        place=lambda run: (run.dataset, run.encoder),
    )
    return [
        Row(
            words=(f"{weights[0]:g}", f"{weights[1]:g}", row.name, origin_words(row.runs.values())),
            cells=tuple(_cell(row.runs.get(place)) for place in PLACES),
            origin="ours",
            block="ours",
        )
        for row in rows
        if (weights := row.first.made.smoothing) is not None
    ]


def _cell(run: TransferRun | None) -> Cell | None:
    return None if run is None else score_cell(run.scores[METRIC], arena=ground(run))
