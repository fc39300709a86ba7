"""The optical teacher's training, epoch after epoch."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.schema.layout import PretrainLayout
from training.augment import Augmentation, Placement, draw
from training.compute import Compute, Inputs, network_inputs
from training.dataset import Split, TrainingStore
from training.diverged import diverged
from training.epoch_log import append_log, keep_log
from training.epoch_plan import BatchPlan
from training.loader import Batch, read_batches
from training.progress import EpochClock
from training.pseudo.label_images import placed_observed
from training.pseudo.mean_teacher import decay_at, follow
from training.pseudo.pairs import Sources, plan_pairs, sources_of
from training.pseudo.progress import PseudoProgress
from training.pseudo.settings import TeacherSettings
from training.pseudo.state import TeacherState, load_state, save_state
from training.pseudo.step import TeacherLosses, teacher_losses

AUGMENT_STREAM = 9
"""Tells augmentation and mixing from other random numbers drawn of the same seed."""


@dataclass(frozen=True)
class TeacherRun:
    """What stays the same over a training of the teacher."""

    settings: TeacherSettings
    store: TrainingStore
    split: Split
    groups_known: bool
    """Whether the split keeps patches that overlap on one side."""
    compute: Compute
    layout: PretrainLayout
    on_progress: Callable[[PseudoProgress], None]

    @property
    def sources(self) -> Sources:
        """The training rows by what is known of them."""
        return sources_of(self.split.train, self.settings.labelled_share, self.settings.seed)


def train_teacher(run: TeacherRun, state: TeacherState, *, resumed: bool) -> None:
    """Train to the last epoch; a checkpoint and a line of the log are written at every epoch's end.

    `resumed`: go on from the checkpoint. Raises NoldoError where data is damaged or the loss no finite number.
    """
    settings = run.settings
    done = load_state(run.layout.checkpoint, state) if resumed else 0
    keep_log(run.layout.log, done)
    for epoch in range(done, settings.epochs):
        line = _train_epoch(run, state, epoch)
        append_log(run.layout.log, line)
        save_state(run.layout.checkpoint, state, epoch + 1)


def learning_rate(step: int, steps: int, initial: float) -> float:
    """The rate of step 0..steps-1: half a cosine from `initial` down toward 0."""
    return initial * 0.5 * (1.0 + math.cos(math.pi * step / steps))


def _train_epoch(run: TeacherRun, state: TeacherState, epoch: int) -> dict[str, Any]:
    settings = run.settings
    pairs = plan_pairs(run.sources, seed=settings.seed, epoch=epoch, batch_size=settings.batch_size)
    steps = len(pairs) * settings.epochs
    generator = _generator(settings.seed, epoch)
    state.student.train()
    clock, sums = EpochClock(), _Sums()
    for at, (labelled, unlabelled) in enumerate(clock.waits(_read(run, pairs))):
        step = epoch * len(pairs) + at
        for group in state.optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, settings.learning_rate)
        places = [_placement(run, batch, generator) for batch in (labelled, unlabelled)]
        losses = teacher_losses(
            state.student,
            state.teacher,
            _inputs(run, labelled, places[0]),
            _inputs(run, unlabelled, places[1]),
            placed_observed(unlabelled.s2, run.store, places[1], run.compute.device),
            settings=settings,
            compute=run.compute,
            generator=generator,
        )
        state.optimizer.zero_grad(set_to_none=True)
        losses.total.backward()  # type: ignore[no-untyped-call]
        state.optimizer.step()
        follow(state.teacher, state.student, decay_at(step, settings.ema_decay))
        sums.add(losses, len(labelled.rows))
        _tell(run, step + 1, steps, losses, epoch)
    return {
        "epoch": epoch + 1,
        **sums.means(run.layout.checkpoint, epoch),
        "lr": state.optimizer.param_groups[0]["lr"],
        "seconds": clock.seconds,
        "locations_per_s": sums.count / clock.seconds,
        "data_wait_share": clock.wait_share,
    }


class _Sums:
    """Losses of an epoch, weighed by images."""

    def __init__(self) -> None:
        self.count = 0
        self._sums: dict[str, Tensor] = {}

    def add(self, losses: TeacherLosses, images: int) -> None:
        self.count += images
        values = {
            "train_loss": losses.total.detach(),
            "labelled": losses.labelled,
            "mixed": losses.mixed,
            "confident_share": losses.confident_share,
        }
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value.double() * images

    def means(self, checkpoint: Path, epoch: int) -> dict[str, float]:
        means = {name: float(value) / self.count for name, value in self._sums.items()}
        if not math.isfinite(means["train_loss"]):
            raise diverged(f"epoch {epoch + 1}: the loss is {means['train_loss']}", checkpoint)
        return means


def _read(run: TeacherRun, pairs: Sequence[tuple[BatchPlan, BatchPlan]]) -> Iterator[tuple[Batch, Batch]]:
    labelled = read_batches(run.store, [pair[0] for pair in pairs], pin=run.compute.pinned)
    unlabelled = read_batches(run.store, [pair[1] for pair in pairs], pin=run.compute.pinned)
    return zip(labelled, unlabelled, strict=True)


def _placement(run: TeacherRun, batch: Batch, generator: torch.Generator) -> Placement:
    settings = run.settings
    augmentation = Augmentation(settings.crop_px, settings.flip_p, settings.rotation_p, settings.rotation_max_deg)
    return draw(augmentation, len(batch.rows), run.store.patch_px, generator)


def _inputs(run: TeacherRun, batch: Batch, placement: Placement) -> Inputs:
    return network_inputs(batch, placement, s2_bands=run.settings.s2_bands, compute=run.compute)


def _generator(seed: int, epoch: int) -> torch.Generator:
    state = np.random.SeedSequence([seed, AUGMENT_STREAM, epoch]).generate_state(1)
    return torch.Generator().manual_seed(int(state[0]))


def _tell(run: TeacherRun, step: int, steps: int, losses: TeacherLosses, epoch: int) -> None:
    if run.compute.device.type == "cuda" and step % 20 and step != steps:
        return  # a value that is read waits for the device
    words = f"epoch {epoch + 1}, loss {float(losses.total.detach()):.3f}, {float(losses.confident_share):.0%} confident"
    run.on_progress(PseudoProgress("teacher", step, steps, words))
