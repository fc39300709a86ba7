"""Pretraining from the first epoch to the scores: the whole run, top to bottom."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from pipeline.schema.layout import PretrainLayout
from pipeline.schema.paths import AnyPath
from training.checkpoint import save_weights
from training.checks import check_store
from training.compute import choose_compute
from training.dataset import Split, open_store, split_locations
from training.epoch_log import append_log, keep_log, read_log
from training.epoch_plan import Shuffle, plan_epoch
from training.evaluate import evaluate
from training.event_files import EventFiles
from training.json_file import read_json, write_json, write_whole
from training.kept_weights import drop_weights, keep_weights
from training.look import Look
from training.objective import Objective
from training.progress import PretrainProgress
from training.run import Run
from training.run_record import FolderState, describe_run, folder_state
from training.run_state import RunState, load_state, new_state
from training.settings import ENCODER_STAGES, PretrainSettings
from training.shared_ground import ground_groups
from training.told_to_stop import held_back
from training.train_epoch import train_epoch
from training.trained_form import trained_form
from training.under_way import UnderWay
from training.validate import validate
from training.world import ALONE, World, together


@dataclass(frozen=True)
class PretrainResult:
    """A finished run."""

    folder: Path
    result: dict[str, Any]
    """The content of result.json; empty on processes other than the first."""
    reused: bool
    """True where the run was there already and nothing was done."""


def pretrain(
    settings: PretrainSettings,
    store: AnyPath,
    out: Path,
    *,
    reference: AnyPath | None,
    resume: bool,
    on_progress: Callable[[PretrainProgress], None],
    world: World = ALONE,
) -> PretrainResult:
    """Pretrain on a store, score the network on the held-out locations, and leave everything in `out`.

    `reference`: a Zarr group with the true land cover of the store's rows, to score against; None: the noisy labels.
    `resume`: go on with an unfinished run in `out`; on a CPU the result is bit for bit that of an unbroken run.
    `world`: this process among those that train together; every one of them calls this with the same arguments.
    A finished run of the same settings and store is returned as it is.
    Told to stop (Ctrl-C, SIGTERM, SIGHUP), it ends its step, saves a checkpoint, and ends as the signal would have it.
    Raises UsageError for a store, folder or setting that does not fit, NoldoError for damaged data or a diverged loss.
    """
    data = open_store(store, settings.label_source)
    check_store(settings, data)
    compute = choose_compute(settings, world.local_rank)
    layout = PretrainLayout(out)
    groups = ground_groups(data)
    against = data.labels.name if reference is None else "truth"

    def settle_folder() -> FolderState:
        record = describe_run(settings, data, compute, world, groups_known=groups is not None)
        found = folder_state(layout, record, against=against, resume=resume)
        if found is not FolderState.FINISHED:
            out.mkdir(parents=True, exist_ok=True)
            write_json(layout.record, record)
            write_whole(layout.recipe, yaml.safe_dump({"pretrain": record["settings"]}, sort_keys=False))
        return found

    with together(world, compute.device):
        found = world.from_first(settle_folder)
        if found is FolderState.FINISHED:
            return PretrainResult(out, read_json(layout.result) if world.first else {}, reused=True)
        split = split_locations(data.locations, settings.val_fraction, settings.seed, groups)
        objective = Objective(**settings.objective.model_dump())
        run = Run(settings, objective, data, split, compute, world, layout, on_progress)
        state = new_state(settings, compute, world)
        _train(run, state, resumed=found is FolderState.UNFINISHED)
    if not world.first:
        return PretrainResult(out, {}, reused=False)
    for path in (layout.weights, layout.published_weights):
        save_weights(state.network, path)
    evaluation = evaluate(state.network, data, split, settings=settings, compute=compute, reference=reference)
    with layout.masks.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **evaluation.masks)
    result = {**_summary(read_log(layout.log, settings.epochs), split), **evaluation.result}
    write_json(layout.result, result)
    return PretrainResult(out, read_json(layout.result), reused=False)


def _train(run: Run, state: RunState, *, resumed: bool) -> None:
    """Train epoch after epoch, from where the run's checkpoint stands."""
    settings, compute, world, layout = run.settings, run.compute, run.world, run.layout

    def begin(epoch: int) -> UnderWay:
        return UnderWay.begin(epoch, seed=settings.seed, world=world, device=compute.device)

    under_way = load_state(layout.checkpoint, state, compute, world) if resumed else begin(0)
    whole = len(settings.decoder_channels) == ENCODER_STAGES
    forward = trained_form(state.network, compute, world, whole=whole)
    if world.first:
        keep_log(layout.log, under_way.epoch)
        drop_weights(layout, after=under_way.epoch)
        if not resumed:
            keep_weights(layout, state.network, epoch=0, every=settings.keep_every)
    steps = len(plan_epoch(Shuffle(settings.seed, 0, world.rank, world.size), run.split.train, settings.batch_size))
    shown = EventFiles(
        layout.tensorboard if world.first else None, steps_done=under_way.epoch * steps + under_way.steps
    )
    with held_back() as request, shown as events:
        val_loss = _last_val_loss(layout, under_way.epoch) if world.first else None
        look = Look(run, state, request, events, steps=steps, val_loss=val_loss)
        while under_way.epoch < settings.epochs:
            line = train_epoch(run, state, forward, under_way, look)
            line["val_loss"] = validate(run, state.network, under_way.epoch)
            state.scheduler.step(line["val_loss"])
            if world.first:
                append_log(layout.log, line)
                keep_weights(layout, state.network, epoch=under_way.epoch + 1, every=settings.keep_every)
            under_way = begin(under_way.epoch + 1)
            look.epoch_ended(line, under_way)


def _last_val_loss(layout: PretrainLayout, done: int) -> float | None:
    return float(read_log(layout.log, done)[-1]["val_loss"]) if done else None


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
