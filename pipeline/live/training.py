"""How far the pretraining of a build is, from the log that it writes an epoch at a time."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

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
    layout, since_s = PretrainLayout(run.pretrain), datetime.fromisoformat(since).timestamp()
    try:
        epochs = int(json.loads(layout.record.read_bytes())["settings"]["epochs"])
        if _changed_s(layout.log) >= since_s:
            lines = layout.log.read_bytes().splitlines()
            last = json.loads(next(line for line in reversed(lines) if line.endswith(b"}")))
            return TrainingView(int(last["epoch"]), epochs, last.get("train_loss"), last.get("val_loss"))
        return TrainingView(0, epochs, None, None) if _changed_s(layout.record) >= since_s else None
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return None


def _changed_s(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0
