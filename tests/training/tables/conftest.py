"""Small results of transfer runs, as `noldo transfer` leaves them."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.tables.runs import TransferRun

CLASSES = ("water", "trees", "shrub & scrub")


def result_of(name: str, *, miou: Sequence[float], seeds: Sequence[int] | None = None, **other: Any) -> dict[str, Any]:
    """The content of a result.json: scores that hang together loosely, `miou` for each seed as given."""
    seeds = list(range(len(miou))) if seeds is None else list(seeds)
    scores = {"OA": [v + 0.2 for v in miou], "AA": [v + 0.1 for v in miou], "mIoU": list(miou)}
    scores["mF1"] = [2 * v / (1 + v) for v in miou]
    by_seed = [[v, v / 2, None] for v in miou]
    return {
        "name": name,
        "dataset": "dw",
        "input": "S2",
        "s2_bands": 13,
        "framework": "deeplabv3+",
        "backbone": "ResNet50",
        "encoder": "frozen",
        "load": "encoder",
        "train_share": 1.0,
        "train_tiles": 12,
        "test_tiles": 4,
        "seeds": seeds,
        "scores": scores,
        "mean": {metric: float(np.mean(values)) for metric, values in scores.items()},
        "std": {metric: float(np.std(values, ddof=1)) if len(miou) > 1 else None for metric, values in scores.items()},
        "per_class": {"names": list(CLASSES), "recall": by_seed, "iou": by_seed, "f1": by_seed},
        "confusion": [[[1] * 3] * 3] * len(miou),
        "pixels": 4000,
        "seconds": 1.0,
        "source": {},
        **other,
    }


@pytest.fixture
def make_run() -> Callable[..., TransferRun]:
    """A run that was read, by its name and its mIoU for each seed."""

    def make(name: str, *miou: float, folder: str | None = None, **other: Any) -> TransferRun:
        content = result_of(name, miou=miou, **other)
        places = (name, *(str(content[key]) for key in ("dataset", "input", "encoder", "train_share")))
        return TransferRun.model_validate({**content, "folder": Path(folder or "-".join(places))})

    return make


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    """The folder of a run on the disk, with a repeat's own folder in it."""

    def write(folder: str, name: str, *miou: float, **other: Any) -> Path:
        path = tmp_path / folder
        (path / "seed-0").mkdir(parents=True)
        content = result_of(name, miou=miou, **other)
        (path / "seed-0" / "result.json").write_text(json.dumps({"scores": {"OA": 0.1}}))
        (path / "transfer.json").write_text("{}")
        (path / "result.json").write_text(json.dumps(content))
        return path

    return write
