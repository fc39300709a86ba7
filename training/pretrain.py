"""Pretraining from the first epoch to the scores: the whole run, top to bottom."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.layout import PretrainLayout
from training.augment import Augmentation, centre, draw
from training.checkpoint import save_weights
from training.compute import Compute, choose_compute, network_inputs
from training.dataset import Split, TrainingStore, open_store, split_locations
from training.epoch_log import append_log, keep_log, read_log
from training.evaluate import evaluate
from training.json_file import read_json, write_json
from training.loader import Shuffle, in_batches, plan_epoch, read_batches
from training.objective import Objective
from training.progress import EpochClock, PretrainProgress
from training.run_record import FolderState, describe_run, folder_state
from training.run_state import RunState, load_state, new_state, save_state
from training.settings import PretrainSettings
from training.shared_ground import ground_groups
from training.step import step_losses, validation_loss

AUGMENT_STREAM = 3
"""Tells the augmentation's random numbers from others drawn of the same seed."""


@dataclass(frozen=True)
class PretrainResult:
    """A finished run."""

    folder: Path
    result: dict[str, Any]
    """The content of result.json."""
    reused: bool
    """True where the run was there already and nothing was done."""


@dataclass(frozen=True)
class _Run:
    """What stays the same over a run."""

    settings: PretrainSettings
    objective: Objective
    store: TrainingStore
    split: Split
    compute: Compute
    checkpoint: Path
    on_progress: Callable[[PretrainProgress], None]


def pretrain(
    settings: PretrainSettings,
    store: Path,
    out: Path,
    *,
    reference: Path | None,
    resume: bool,
    on_progress: Callable[[PretrainProgress], None],
) -> PretrainResult:
    """Pretrain on a store, score the network on the held-out locations, and leave everything in `out`.

    `reference`: a Zarr group with the true land cover of the store's rows, to score against; None: the noisy labels.
    `resume`: go on with an unfinished run in `out`; on a CPU the result is bit for bit that of an unbroken run.
    A finished run of the same settings and store is returned as it is.
    Raises UsageError for a store, folder or setting that does not fit, NoldoError for damaged data or a diverged loss.
    """
    data = open_store(store)
    if settings.crop_px > data.patch_px:
        raise UsageError(f"crop_px is {settings.crop_px}, but the patches of {store} have {data.patch_px} px a side")
    compute = choose_compute(settings)
    layout = PretrainLayout(out)
    groups = ground_groups(data)
    record = describe_run(settings, data, compute, groups_known=groups is not None)
    found = folder_state(layout, record, against="dw" if reference is None else "truth", resume=resume)
    if found is FolderState.FINISHED:
        return PretrainResult(out, read_json(layout.result), reused=True)
    split = split_locations(data.locations, settings.val_fraction, settings.seed, groups)
    run = _Run(
        settings, Objective(**settings.objective.model_dump()), data, split, compute, layout.checkpoint, on_progress
    )
    state = new_state(settings, compute)
    done = load_state(layout.checkpoint, state, compute) if found is FolderState.UNFINISHED else 0
    out.mkdir(parents=True, exist_ok=True)
    write_json(layout.record, record)
    keep_log(layout.log, done)
    val_loss = None
    for epoch in range(done, settings.epochs):
        line = _train_epoch(run, state, epoch, val_loss)
        val_loss = _validate(run, state, epoch)
        state.scheduler.step(val_loss)
        append_log(layout.log, {**line, "val_loss": val_loss})
        save_state(layout.checkpoint, state, epoch + 1)
    save_weights(state.network, layout.weights)
    evaluation = evaluate(state.network, data, split, settings=settings, compute=compute, reference=reference)
    with layout.masks.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **evaluation.masks)
    result = {**_summary(read_log(layout.log, settings.epochs), split), **evaluation.result}
    write_json(layout.result, result)
    return PretrainResult(out, read_json(layout.result), reused=False)


def _train_epoch(run: _Run, state: RunState, epoch: int, val_loss: float | None) -> dict[str, Any]:
    """One pass over the training locations; its line of the log, the validation loss excepted."""
    settings, compute = run.settings, run.compute
    plans = plan_epoch(Shuffle(settings.seed, epoch), run.split.train, settings.batch_size)
    augmentation = Augmentation(settings.crop_px, settings.flip_p, settings.rotation_p, settings.rotation_max_deg)
    generator = _augmentation_generator(settings.seed, epoch)
    clock = EpochClock()
    sums: dict[str, float] = {}
    state.network.train()
    for step, batch in enumerate(clock.waits(read_batches(run.store, plans, pin=compute.pinned)), start=1):
        placement = draw(augmentation, len(batch.rows), run.store.patch_px, generator)
        inputs = network_inputs(batch, placement, s2_bands=settings.s2_bands, compute=compute)
        with compute.autocast():
            logits = state.network(inputs.s1, inputs.s2)
        losses = step_losses(logits, inputs, epoch, run.objective)
        named = {"train_loss": losses.total, **losses.parts}
        values = torch.stack([part.detach() for part in named.values()]).tolist()
        _require_finite(values[0], f"epoch {epoch + 1}, step {step}: the training loss", run.checkpoint)
        state.optimizer.zero_grad(set_to_none=True)
        losses.total.backward()  # type: ignore[no-untyped-call]
        state.optimizer.step()
        clock.trained(len(batch.rows))
        sums = {name: sums.get(name, 0.0) + v * len(batch.rows) for name, v in zip(named, values, strict=True)}
        run.on_progress(
            PretrainProgress(
                epoch=epoch + 1,
                epochs=settings.epochs,
                step=step,
                steps=len(plans),
                train_loss=values[0],
                val_loss=val_loss,
                locations_per_s=clock.locations_per_s,
                data_wait_share=clock.wait_share,
                eta_s=clock.seconds / step * ((settings.epochs - epoch) * len(plans) - step),
            )
        )
    return {
        "epoch": epoch + 1,
        **{name: total / len(run.split.train) for name, total in sums.items()},
        "lr": state.optimizer.param_groups[0]["lr"],
        "seconds": clock.seconds,
        "locations_per_s": clock.locations_per_s,
        "data_wait_share": clock.wait_share,
    }


@torch.no_grad()
def _validate(run: _Run, state: RunState, epoch: int) -> float:
    """The validation loss over the centre crops of the held-out locations, one fixed season each."""
    settings, px = run.settings, run.store.patch_px
    rows = run.split.held_out
    plans = in_batches(rows, Shuffle(settings.seed, epoch=0).seasons(rows), settings.batch_size)
    state.network.eval()
    total = 0.0
    for batch in read_batches(run.store, plans, pin=run.compute.pinned):
        placement = centre(len(batch.rows), settings.crop_px, px)
        inputs = network_inputs(batch, placement, s2_bands=settings.s2_bands, compute=run.compute)
        with run.compute.autocast():
            logits = state.network(inputs.s1, inputs.s2)
        loss = validation_loss(logits, inputs, run.objective)
        total += float(loss) * len(batch.rows)
    _require_finite(total, f"epoch {epoch + 1}: the validation loss", run.checkpoint)
    return total / len(rows)


def _augmentation_generator(seed: int, epoch: int) -> torch.Generator:
    state = np.random.SeedSequence([seed, AUGMENT_STREAM, epoch]).generate_state(1)
    return torch.Generator().manual_seed(int(state[0]))


def _require_finite(loss: float, what: str, checkpoint: Path) -> None:
    if not math.isfinite(loss):
        kept = f"The state before this epoch is kept in {checkpoint}." if checkpoint.exists() else ""
        raise NoldoError(f"{what} is {loss}; try a lower learning_rate or precision float32.\n{kept}".rstrip())


def _summary(log: Sequence[Mapping[str, Any]], split: Split) -> dict[str, Any]:
    """The part of result.json that says how training went."""
    seconds = sum(line["seconds"] for line in log)
    return {
        "locations_train": len(split.train),
        "locations_held_out": len(split.held_out),
        "epochs": len(log),
        "loss_first": log[0]["train_loss"],
        "loss_last": log[-1]["train_loss"],
        "val_loss_first": log[0]["val_loss"],
        "val_loss_last": log[-1]["val_loss"],
        "seconds": seconds,
        "locations_per_s": len(log) * len(split.train) / seconds,
    }
