"""The figures that the CromSS paper printed (training/tables/published, see the README there)."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from training.tables.names import ABLATION


@dataclass(frozen=True)
class PublishedScore:
    """One printed figure, percent."""

    table: str
    """Number of the table in the paper."""
    dataset: str
    input: str
    backbone: str
    name: str
    """Name of the weights."""
    s2_bands: int | None
    """None for Sentinel-1."""
    encoder: str
    """frozen or fine-tuned."""
    metric: str
    mean: float
    std: float | None
    """None where the paper gives none."""
    decimals: int
    """How many were printed."""
    smoothing: tuple[float, float] | None = None
    """Weights of the spatial-temporal and of the uniform term, Table VI only."""


def transfer_scores(dataset: str, table: str) -> tuple[PublishedScore, ...]:
    """The rows of Table II, III or IV, in the paper's order; none for a set that is not the paper's."""
    return tuple(
        PublishedScore(
            table=table,
            dataset=dataset,
            input=row["input"],
            backbone=row["backbone"],
            name=row["weights"],
            s2_bands=int(row["s2_bands"]) if row["input"] == "S2" else None,
            encoder=row["encoder"],
            metric=row["metric"],
            mean=float(row["mean"]),
            std=float(row["std"]),
            decimals=_decimals(row["mean"]),
        )
        for row in _rows("transfer_results.csv")
        if row["dataset"] == dataset
    )


def ablation_scores() -> tuple[PublishedScore, ...]:
    """The rows of Table V: ResNet-50, Sentinel-2 with 13 bands."""
    scores = [
        PublishedScore(
            table="V",
            dataset=row["dataset"],
            input=row["input"],
            backbone="ResNet50",
            name=row["weights"],
            s2_bands=13 if row["input"] == "S2" else None,
            encoder=row["encoder"],
            metric=row["metric"],
            mean=float(row["value"]),
            std=None,
            decimals=_decimals(row["value"]),
        )
        for row in _rows("ablation_results.csv")
    ]
    return tuple(sorted(scores, key=lambda score: (score.input, ABLATION.index(score.name))))


def smoothing_scores() -> tuple[PublishedScore, ...]:
    """The rows of Table VI: mIoU of CromSS-midF, Sentinel-2."""
    return tuple(
        PublishedScore(
            table="VI",
            dataset=row["dataset"],
            input="S2",
            backbone="ResNet50",
            name="CromSS-midF",
            s2_bands=13,
            encoder=encoder,
            metric="mIoU",
            mean=float(row[column]),
            std=None,
            decimals=_decimals(row[column]),
            smoothing=(float(row["spatial_temporal"]), float(row["uniform"])),
        )
        for row in _rows("label_smoothing_results.csv")
        for encoder, column in (("frozen", "frozen_mIoU"), ("fine-tuned", "fine_tuned_mIoU"))
    )


def _decimals(printed: str) -> int:
    return len(printed.partition(".")[2])


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = (files("training.tables") / "published" / name).read_text()
    yield from csv.DictReader(text.splitlines())
