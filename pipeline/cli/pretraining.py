"""Pretraining as the commands run it; the only place of pipeline that reaches training, and only when called."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.progress import Display
from pipeline.schema.strict import validated

if TYPE_CHECKING:
    from training.progress import PretrainProgress
    from training.settings import PretrainSettings


def pretrain_settings(raw: Mapping[str, Any], where: str) -> "PretrainSettings":
    """Check the pretraining keys of a recipe."""
    from training.settings import PretrainSettings

    return validated(PretrainSettings, raw, where)


def run_pretraining(
    settings: "PretrainSettings", store: Path, out: Path, truth: Path, display: Display, *, resume: bool = True
) -> dict[str, Any]:
    """Pretrain with progress on the display; returns the scores."""
    from training.pretrain import pretrain

    def show(progress: "PretrainProgress") -> None:
        done = (progress.epoch - 1) * progress.steps + progress.step
        words = [f"loss {progress.train_loss:.3f}", f"{progress.locations_per_s:.1f} locations/s"]
        if progress.val_loss is not None:
            words.append(f"validation {progress.val_loss:.3f}")
        display.update("pretrain", done, progress.epochs * progress.steps, unit="steps", detail=", ".join(words))

    reference = truth if truth.exists() else None
    finished = pretrain(settings, store, out, reference=reference, resume=resume, on_progress=show)
    return finished.result
