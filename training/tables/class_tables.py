"""Scores of each class, one table for each set and kind of score."""

from collections.abc import Sequence

from training.tables.names import CLASS_METRICS, dataset_title, mode_rank
from training.tables.own_rows import ground, joined, network, row_order, source_words, told_apart
from training.tables.runs import TransferRun
from training.tables.table import Cell, Row, Table, score_cell, with_best


def class_tables(dataset: str, runs: Sequence[TransferRun]) -> tuple[Table, ...]:
    """IoU, F1 and recall by class of the runs on one set that learnt from all training tiles; none without runs."""
    own = [run for run in runs if run.dataset == dataset and run.train_share == 1.0]
    names = list(dict.fromkeys(name for run in own for name in run.per_class.names))
    return tuple(_table(dataset, own, metric, names) for metric in CLASS_METRICS if own)


def class_values(run: TransferRun, metric: str, name: str) -> tuple[float | None, ...]:
    """A class's score by seed, 0..1; empty where the run does not know the class."""
    if name not in run.per_class.names:
        return ()
    index = run.per_class.names.index(name)
    by_seed: tuple[tuple[float | None, ...], ...] = getattr(run.per_class, CLASS_METRICS[metric])
    return tuple(values[index] for values in by_seed)


def _table(dataset: str, own: Sequence[TransferRun], metric: str, names: Sequence[str]) -> Table:
    rows = joined(own, key=lambda run: (network(run), ground(run), run.encoder), place=lambda run: run.encoder)
    apart = told_apart(rows, shown=lambda row: (row.first.input, row.first.encoder, source_words([row.first])))
    ordered = sorted(apart, key=lambda row: (row.first.input, mode_rank(row.first.encoder), row_order(row.first)))
    return Table(
        key=f"classes-{dataset}-{metric.casefold()}",
        title=f"{metric} of each class on {dataset_title(dataset)}",
        word_heads=("Input", "Encoder", "Weights", "Source"),
        heads=tuple((name,) for name in names),
        rows=with_best(
            [
                Row(
                    words=(row.first.input, row.first.encoder, row.name, source_words([row.first])),
                    cells=tuple(_cell(row.first, metric, name) for name in names),
                    origin="ours",
                    block=f"{row.first.input} {row.first.encoder}",
                )
                for row in ordered
            ]
        ),
        notes=("A dash: the class does not occur in the test tiles.",),
        main_word=2,
    )


def _cell(run: TransferRun, metric: str, name: str) -> Cell | None:
    return score_cell(class_values(run, metric, name), arena=(run.input, run.encoder, ground(run)))
