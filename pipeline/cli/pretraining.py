"""Pretraining as the commands run it; the only place of pipeline that reaches training, and only when called."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from pipeline.progress import Display
from pipeline.schema.errors import UsageError
from pipeline.schema.paths import AnyPath
from pipeline.schema.strict import validated

if TYPE_CHECKING:
    from training.pretrain import PretrainResult
    from training.progress import PretrainProgress
    from training.settings import PretrainSettings

WORTH_SAYING = 0.02
"""Share of the time spent waiting for data from which on a run would gain by faster reading."""


def pretrain_settings(raw: Mapping[str, Any], where: str) -> "PretrainSettings":
    """Check the pretraining keys of a recipe."""
    from training.settings import PretrainSettings

    return validated(PretrainSettings, raw, where)


def ready_for(settings: "PretrainSettings", out: Path, *, remake: bool, probabilities: bool) -> None:
    """Refuse what pretraining would refuse, before hours are spent on data.

    `probabilities`: whether the store is to hold class probabilities. A run of other settings in `out` is removed
    with `remake` and is a UsageError without it.
    """
    from training.checks import check_settings
    from training.other_run import other_run

    check_settings(settings, probabilities=probabilities)
    differing = other_run(settings, out)
    if differing is None:
        return
    if not remake:
        raise UsageError(f"{out} holds a pretraining with other settings ({differing}); add --remake to replace it")
    shutil.rmtree(out)


def run_pretraining(
    settings: "PretrainSettings", store: AnyPath, out: Path, truth: AnyPath, display: Display, *, resume: bool = True
) -> "PretrainResult":
    """Pretrain with progress on the display, together with the other processes that torchrun started, if any.

    `truth`: where the store's true land cover would lie.
    """
    from training.pretrain import pretrain
    from training.world import world_of

    begun_at = None

    def show(progress: "PretrainProgress") -> None:
        nonlocal begun_at
        done = (progress.epoch - 1) * progress.steps + progress.step
        begun_at = done if begun_at is None else begun_at  # the display times from here on
        display.update(
            "pretrain",
            done,
            progress.epochs * progress.steps,
            reused=begun_at,
            unit="steps",
            detail=", ".join(progress_words(progress)),
        )

    reference = truth if truth.exists() else None
    world = world_of(os.environ)
    try:
        return pretrain(settings, store, out, reference=reference, resume=resume, on_progress=show, world=world)
    except (UsageError, KeyboardInterrupt) as error:
        if world.first:
            raise
        # All processes find the same, and one saying it is enough.
        sys.exit(error.exit_status if isinstance(error, UsageError) else 1)


def display_here() -> Display:
    """The display of this process: of several that torchrun started, the first one shows."""
    from training.world import world_of

    return Display() if world_of(os.environ).first else Display(Console(quiet=True))


def require_one_process(command: str) -> None:
    """UsageError where torchrun started several: only pretraining shares its work among them."""
    from training.world import world_of

    if world_of(os.environ).size > 1:
        raise UsageError(f"{command} runs in one process; start it without torchrun")


def progress_words(progress: "PretrainProgress") -> list[str]:
    """What is shown of a run beside its bar."""
    words = [f"loss {progress.train_loss:.3f}", f"{progress.locations_per_s:.1f} locations/s"]
    if progress.data_wait_share >= WORTH_SAYING:
        words.append(f"{progress.data_wait_share:.0%} waiting for data")
    if progress.val_loss is not None:
        words.append(f"validation {progress.val_loss:.3f}")
    return words
