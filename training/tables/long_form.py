"""All figures in long form for other programs: CSV with every digit that is there."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from statistics import mean, stdev
from typing import Final

from training.tables.class_tables import class_values
from training.tables.differences import Difference
from training.tables.names import CLASS_METRICS, DATASETS, METRICS, TABLE_NUMBERS
from training.tables.own_rows import row_name
from training.tables.published_figures import PublishedScore, ablation_scores, smoothing_scores, transfer_scores
from training.tables.runs import TransferRun

Value = str | int | float | None

RUN_COLUMNS: Final = (
    *("dataset", "input", "backbone", "weights", "s2_bands", "framework", "load", "encoder"),
    *("train_share", "train_tiles", "test_tiles", "pixels"),
)
RESULT_COLUMNS: Final = (
    *("source", *RUN_COLUMNS, "spatial_temporal", "uniform"),
    *("metric", "class", "seeds", "mean_percent", "std_percent", "folder"),
)
SEED_COLUMNS: Final = (*RUN_COLUMNS, "seed", "metric", "class", "percent", "folder")
DIFFERENCE_COLUMNS: Final = (
    *("dataset", "input", "encoder", "first", "second", "train_share", "train_tiles", "test_tiles", "metric", "seeds"),
    *("mean_points", "std_points", "low_points", "high_points", "first_folder", "second_folder"),
)


def results_csv(runs: Sequence[TransferRun]) -> str:
    """Means and standard deviations: ours, by class too, then the published ones with the table they stand in."""
    return _csv(RESULT_COLUMNS, (*_own_results(runs), *_published_results()))


def seeds_csv(runs: Sequence[TransferRun]) -> str:
    """Our scores seed by seed."""
    return _csv(
        SEED_COLUMNS,
        (
            {**_of_run(run), "seed": seed, "metric": metric, "class": name, "percent": 100 * value}
            for run in runs
            for metric, name, values in _scores(run)
            for seed, value in zip(run.seeds, values, strict=True)
            if value is not None
        ),
    )


def differences_csv(found: Sequence[Difference]) -> str:
    """Paired differences in percentage points; an empty field where a single seed gives no interval."""
    return _csv(DIFFERENCE_COLUMNS, (row for difference in found for row in _differences(difference)))


def _own_results(runs: Iterable[TransferRun]) -> Iterator[dict[str, Value]]:
    for run in runs:
        weights = run.made.smoothing
        for metric, name, values in _scores(run):
            known = [100 * value for value in values if value is not None]
            if known:
                yield {
                    **_of_run(run),
                    "source": "ours",
                    "spatial_temporal": weights[0] if weights else None,
                    "uniform": weights[1] if weights else None,
                    "metric": metric,
                    "class": name,
                    "seeds": len(known),
                    "mean_percent": mean(known),
                    "std_percent": stdev(known) if len(known) > 1 else None,
                }


def _scores(run: TransferRun) -> Iterator[tuple[str, str, Sequence[float | None]]]:
    """Metric, class (empty: all of them) and values by seed."""
    for metric in METRICS:
        yield metric, "", run.scores[metric]
    for metric in CLASS_METRICS:
        for name in run.per_class.names:
            yield metric, name, class_values(run, metric, name)


def _published_results() -> Iterator[dict[str, Value]]:
    scores: list[PublishedScore] = [s for name in DATASETS for s in transfer_scores(name, TABLE_NUMBERS[name])]
    for score in (*scores, *ablation_scores(), *smoothing_scores()):
        yield {
            "source": f"arXiv 2405.01217, Table {score.table}",
            "dataset": score.dataset,
            "input": score.input,
            "backbone": score.backbone,
            "weights": score.name,
            "s2_bands": score.s2_bands,
            "encoder": score.encoder,
            "spatial_temporal": score.smoothing[0] if score.smoothing else None,
            "uniform": score.smoothing[1] if score.smoothing else None,
            "metric": score.metric,
            "mean_percent": score.mean,
            "std_percent": score.std,
        }


def _of_run(run: TransferRun) -> dict[str, Value]:
    return {
        "dataset": run.dataset,
        "input": run.input,
        "backbone": run.backbone,
        "weights": run.name,
        "s2_bands": run.shown_bands,
        "framework": run.framework,
        "load": run.load,
        "encoder": run.encoder,
        "train_share": run.train_share,
        "train_tiles": run.train_tiles,
        "test_tiles": run.test_tiles,
        "pixels": run.pixels,
        "folder": str(run.folder),
    }


def _differences(difference: Difference) -> Iterator[dict[str, Value]]:
    first, second = difference.first, difference.second
    for metric in METRICS:
        paired = difference.of_scores(metric)
        yield {
            "dataset": first.dataset,
            "input": first.input,
            "encoder": first.encoder,
            "first": row_name(first),
            "second": row_name(second),
            "train_share": first.train_share,
            "train_tiles": first.train_tiles,
            "test_tiles": first.test_tiles,
            "metric": metric,
            "seeds": " ".join(map(str, difference.seeds)),
            "mean_points": 100 * paired.mean,
            "std_points": None if paired.std is None else 100 * paired.std,
            "low_points": None if paired.low is None else 100 * paired.low,
            "high_points": None if paired.high is None else 100 * paired.high,
            "first_folder": str(first.folder),
            "second_folder": str(second.folder),
        }


def _csv(columns: Sequence[str], rows: Iterable[dict[str, Value]]) -> str:
    text = StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
