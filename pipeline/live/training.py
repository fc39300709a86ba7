"""How far the pretraining of a build is, from the log that it writes an epoch at a time."""

import json
from dataclasses import dataclass
from datetime import datetime

from pipeline.files import is_local
from pipeline.schema.layout import PretrainLayout, RunLayout


@dataclass(frozen=True)
class TrainingView:
    """The pretraining as far as it has come."""

    epoch: int
    """Epochs that are done."""
    epochs: int
    """All of them; 0 where it is not known."""
    train_loss: float | None
    val_loss: float | None


def read_training(run: RunLayout, since: str | None) -> TrainingView | None:
    """How far it is; None where nothing of it has been written `since` (ISO 8601), or can be read."""
    if since is None or not is_local(run.pretrain):
        return None
    layout = PretrainLayout(run.pretrain)
    try:
        lines = layout.log.read_bytes().splitlines()
        last = json.loads(next(line for line in reversed(lines) if line.endswith(b"}")))
        epochs = json.loads(layout.record.read_bytes())["settings"]["epochs"]
        if layout.log.stat().st_mtime < datetime.fromisoformat(since).timestamp():
            return None
        return TrainingView(int(last["epoch"]), int(epochs), last.get("train_loss"), last.get("val_loss"))
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return None
