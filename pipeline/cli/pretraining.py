"""Pretraining as the commands run it; the only place of pipeline that reaches training, and only when called."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.progress import Display
from pipeline.schema.errors import UsageError
from pipeline.schema.paths import AnyPath
from pipeline.schema.strict import validated

if TYPE_CHECKING:
    from training.pretrain import PretrainResult
    from training.progress import PretrainProgress
    from training.settings import PretrainSettings


def pretrain_settings(raw: Mapping[str, Any], where: str) -> "PretrainSettings":
    """Check the pretraining keys of a recipe."""
    from training.settings import PretrainSettings

    return validated(PretrainSettings, raw, where)


def ready_for(settings: "PretrainSettings", out: Path, *, remake: bool) -> None:
    """Refuse what pretraining would refuse, before hours are spent on data.

    A run of other settings in `out` is removed with `remake` and is a UsageError without it.
    """
    from training.checks import check_settings
    from training.other_run import other_run

    check_settings(settings)
    differing = other_run(settings, out)
    if differing is None:
        return
    if not remake:
        raise UsageError(f"{out} holds a pretraining with other settings ({differing}); add --remake to replace it")
    shutil.rmtree(out)


def run_pretraining(
    settings: "PretrainSettings", store: Path, out: Path, truth: AnyPath, display: Display, *, resume: bool = True
) -> "PretrainResult":
    """Pretrain with progress on the display."""
    from pipeline.files import on_disk
    from training.pretrain import pretrain

    def show(progress: "PretrainProgress") -> None:
        done = (progress.epoch - 1) * progress.steps + progress.step
        words = [f"loss {progress.train_loss:.3f}", f"{progress.locations_per_s:.1f} locations/s"]
        if progress.val_loss is not None:
            words.append(f"validation {progress.val_loss:.3f}")
        display.update("pretrain", done, progress.epochs * progress.steps, unit="steps", detail=", ".join(words))

    reference = on_disk(truth, "pretraining") if truth.exists() else None
    return pretrain(settings, store, out, reference=reference, resume=resume, on_progress=show)
