"""The state of the teacher's training between two epochs.

Everything else (order, seasons, augmentation, mixing) follows from seed and epoch, so that a run that goes on at an
epoch's start is on a CPU bit for bit an unbroken one.
"""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch.optim import Adam

from pipeline.schema.errors import NoldoError
from training.checkpoint import KeyReport, load_weights
from training.compute import Compute
from training.diverged import all_finite, diverged
from training.network import network_for
from training.pseudo.mean_teacher import teacher_of
from training.pseudo.settings import TeacherSettings
from training.segmenter import Segmenter
from training.torch_file import write_torch

S2_OF_LATE_FUSION: Final = "model2"
"""Name of the Sentinel-2 network within one of late fusion (training.dual_unet)."""


@dataclass(frozen=True)
class TeacherState:
    """What training changes."""

    student: Segmenter
    teacher: Segmenter
    optimizer: Adam


def new_state(
    settings: TeacherSettings, compute: Compute, weights: Path | None
) -> tuple[TeacherState, KeyReport | None]:
    """A fresh student, its initial weights drawn from the seed or read from `weights`, and a teacher equal to it."""
    torch.manual_seed(settings.seed)
    student = network_for(settings.as_pretraining())
    report = None if weights is None else load_weights(student, weights, part=S2_OF_LATE_FUSION)
    compute.settle(student)
    optimizer = Adam(student.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    return TeacherState(student, teacher_of(student), optimizer), report


def save_state(path: Path, state: TeacherState, epochs_done: int) -> None:
    """Commit a checkpoint in one rename; NoldoError, and the last one kept, where a weight is no finite number."""
    content = {
        "student": state.student.state_dict(),
        "teacher": state.teacher.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "epochs": epochs_done,
    }
    if not all_finite([content["student"], state.optimizer.state_dict()["state"]]):
        raise diverged(f"epoch {epochs_done}: weights are no finite numbers any more", path)
    write_torch(path, content)


def load_state(path: Path, state: TeacherState) -> int:
    """Put a checkpoint's content into `state`; return the epochs that it has behind it. NoldoError if damaged."""
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        state.student.load_state_dict(content["student"])
        state.teacher.load_state_dict(content["teacher"])
        state.optimizer.load_state_dict(content["optimizer"])
        return int(content["epochs"])
    except (RuntimeError, ValueError, LookupError, TypeError, EOFError, OSError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NoldoError(f"{path} cannot be resumed from: {reason}\nDelete it to start anew.") from error
