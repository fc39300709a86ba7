"""The log and the scores of a pretraining run, read from its folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pipeline.schema.errors import NoldoError
from pipeline.schema.layout import PretrainLayout

PerClass = tuple[float | None, ...]


@dataclass(frozen=True)
class Epoch:
    """One line of log.jsonl."""

    epoch: int
    """1 for the first pass."""
    train_loss: float
    val_loss: float | None = None
    lr: float | None = None
    seconds: float | None = None
    locations_per_s: float | None = None
    data_wait_share: float | None = None
    """Share of the epoch's time spent waiting for data, 0..1."""
    segmentation_s1: float | None = None
    """Part of the training loss, like the next two; None where a run has no such part."""
    segmentation_s2: float | None = None
    consistency: float | None = None


@dataclass(frozen=True)
class ScoreSet:
    """How well one labelling of the held-out pixels does, every value 0..1."""

    oa: float | None = None
    aa: float | None = None
    miou: float | None = None
    mf1: float | None = None
    per_class_recall: PerClass = ()
    per_class_iou: PerClass = ()


@dataclass(frozen=True)
class TrainingResult:
    """The contents of result.json that the page shows."""

    locations_train: int | None = None
    locations_held_out: int | None = None
    loss_first: float | None = None
    loss_last: float | None = None
    val_loss_first: float | None = None
    val_loss_last: float | None = None
    against: str = ""
    """What the scores are measured against."""
    scores: Mapping[str, ScoreSet] = field(default_factory=dict)
    selection_auc: Mapping[str, Any] = field(default_factory=dict)
    """Per modality ('s1', 's2'): how well the weights rank right labels above wrong ones; 0.5 is chance."""
    confidence_auc: Mapping[str, Any] = field(default_factory=dict)
    """The same for the enhanced label confidence that the weights are made from."""
    seconds: float | None = None
    locations_per_s: float | None = None


@dataclass(frozen=True)
class Pretraining:
    """One pretraining run, finished or not."""

    layout: PretrainLayout
    epochs: tuple[Epoch, ...]
    result: TrainingResult | None
    """None until the run has come to its end."""


def read_pretraining(layout: PretrainLayout) -> Pretraining | None:
    """Read log.jsonl and result.json; None where the folder has neither, NoldoError where one is damaged."""
    if not layout.log.is_file() and not layout.result.is_file():
        return None
    epochs = tuple(_epochs(layout.log)) if layout.log.is_file() else ()
    result = None
    if layout.result.is_file():
        result = _validated(layout.result, TypeAdapter(TrainingResult), layout.result.read_text())
    return Pretraining(layout=layout, epochs=epochs, result=result)


def _epochs(path: Path) -> list[Epoch]:
    """A run that was killed may leave its last line half written; such a line is passed over."""
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    if lines and not lines[-1].rstrip().endswith("}"):
        lines.pop()
    adapter = TypeAdapter(Epoch)
    last = {epoch.epoch: epoch for epoch in (_validated(path, adapter, line) for line in lines)}
    return [last[number] for number in sorted(last)]


def _validated(path: Path, adapter: TypeAdapter[Any], text: str) -> Any:
    try:
        return adapter.validate_python(json.loads(text))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise NoldoError(f"pretrain/{path.name} cannot be read: '{where}' {first['msg'].lower()}.") from error
    except ValueError as error:
        raise NoldoError(f"pretrain/{path.name} cannot be read ({error}).") from error
