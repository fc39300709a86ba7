"""The scores of a transfer run as plain data: a repeat's, and those of all repeats with mean and standard deviation."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

from training.metrics import Scores, scores
from training.transfer.form import backbone_name
from training.transfer.score_tiles import TileOutcome
from training.transfer.setup import Setup
from training.transfer.tile_store import LabelName

DATASETS: Final[Mapping[LabelName, str]] = {"dw": "dw", "osm": "osm", "dfc": "dfc2020"}
"""What the paper's tables call a set, by its labels."""

SCORES: Final = ("OA", "AA", "mIoU", "mF1")
"""In the order of the paper's tables; shares, 0..1."""

PER_CLASS: Final = ("recall", "iou", "f1")


def seed_result(seed: int, outcome: TileOutcome, seconds: float) -> dict[str, Any]:
    """What a repeat's result.json holds."""
    found = scores(outcome.confusion)
    return {
        "seed": seed,
        "scores": dict(zip(SCORES, (found.oa, found.aa, found.miou, found.mf1), strict=True)),
        "per_class": _per_class(found),
        "confusion": outcome.confusion.tolist(),
        "pixels": found.pixels,
        "seconds": seconds,
    }


def transfer_result(
    setup: Setup, name: str, record: Mapping[str, Any], seeds: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What result.json holds: lists run over the repeats; the deviation is the sample's, None of a single repeat."""
    settings = setup.settings
    weights = record["weights"]
    by_score = {score: [seed["scores"][score] for seed in seeds] for score in SCORES}
    return {
        "name": name,
        "dataset": DATASETS[setup.test.label_name],
        "input": settings.modality.upper(),
        "s2_bands": len(setup.image.bands) if settings.modality == "s2" else None,
        "framework": settings.framework,
        "backbone": backbone_name(setup.spec, setup.form),
        "encoder": settings.mode,
        "load": settings.load,
        "train_share": settings.train_share,
        "train_tiles": len(setup.rows),
        "test_tiles": setup.test.tiles,
        "seeds": [seed["seed"] for seed in seeds],
        "scores": by_score,
        "mean": {score: statistics.fmean(values) for score, values in by_score.items()},
        "std": {score: _deviation(values) for score, values in by_score.items()},
        "per_class": {
            "names": [land_cover.name for land_cover in setup.test.classes],
            **{key: [seed["per_class"][key] for seed in seeds] for key in PER_CLASS},
        },
        "confusion": [seed["confusion"] for seed in seeds],
        "pixels": seeds[0]["pixels"],
        "seconds": sum(seed["seconds"] for seed in seeds),
        "source": {**record["source"], "weights": weights and {key: weights[key] for key in ("file", "sha256")}},
    }


def _per_class(found: Scores) -> dict[str, list[float | None]]:
    """None where the class does not occur in the test set."""
    return dict(
        zip(PER_CLASS, map(list, (found.per_class_recall, found.per_class_iou, found.per_class_f1)), strict=True)
    )


def _deviation(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None
