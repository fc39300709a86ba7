"""One repeat: epoch after epoch from a seed, and what it is worth on the test tiles."""

from collections.abc import Callable
from typing import Any

import torch

from training.checkpoint import save_weights
from training.diverged import diverged
from training.epoch_log import append_log, keep_log, read_log
from training.pace import Pace
from training.progress import EpochClock
from training.transfer.batch_inputs import tile_inputs
from training.transfer.freezing import encoder_learns, set_training
from training.transfer.layout import SeedLayout
from training.transfer.learning_rate import set_learning_rate
from training.transfer.loss import transfer_loss
from training.transfer.score_tiles import TileOutcome, score_tiles
from training.transfer.seed_state import SeedState, begin_epoch, load_seed_state, new_seed_state, save_seed_state
from training.transfer.setup import Setup
from training.transfer.tile_plan import plan_tile_epoch
from training.transfer.tile_reader import read_tile_batches

Tell = Callable[[int, int, float | None], None]
"""Told epoch (from 0), steps done in it, and the mean loss of the epoch before."""


def train_seed(
    setup: Setup, seed: int, layout: SeedLayout, *, stepped: Tell, tested: Callable[[int], None]
) -> tuple[TileOutcome, float]:
    """Train a repeat, or go on with it where a checkpoint stands; return what it is worth, and the seconds it took.

    Every epoch that ends is kept. `stepped` is told of every step, `tested` of every batch of test tiles.
    Raises NoldoError for damaged data or a loss that is no finite number any more.
    """
    state, _ = new_seed_state(setup, seed)
    done = load_seed_state(layout.checkpoint, state) if layout.checkpoint.exists() else 0
    keep_log(layout.log, done)
    log = read_log(layout.log, done)
    loss = float(log[-1]["train_loss"]) if log else None
    stepped(min(done, setup.settings.epochs - 1), 0, loss)
    for epoch in range(done, setup.settings.epochs):
        line = _train_epoch(setup, state, seed, epoch, layout, stepped, loss)
        loss = line["train_loss"]
        append_log(layout.log, line)
        save_seed_state(layout.checkpoint, state, epoch + 1)
    save_weights(state.network, layout.weights)
    outcome = score_tiles(state.network, setup, batch_done=tested)
    seconds = sum(float(line["seconds"]) for line in read_log(layout.log, setup.settings.epochs))
    return outcome, seconds


def _train_epoch(
    setup: Setup, state: SeedState, seed: int, epoch: int, layout: SeedLayout, stepped: Tell, loss: float | None
) -> dict[str, Any]:
    """Train an epoch, from 0; return its line of the log."""
    settings, compute = setup.settings, setup.compute
    begin_epoch(seed, epoch)
    rate = set_learning_rate(state.optimizer, settings, epoch)
    set_training(state.network, encoder=encoder_learns(settings, epoch))
    plans = plan_tile_epoch(
        setup.rows,
        tile_px=setup.train.tile_px,
        batch_size=settings.batch_size,
        augmentation=setup.augmentation,
        seed=seed,
        epoch=epoch,
    )
    total = torch.zeros((), dtype=torch.float64, device=compute.device)
    clock, pace, tiles = EpochClock(), Pace(compute.device), 0
    batches = read_tile_batches(setup.train, plans, pin=compute.pinned)
    for step, batch in enumerate(clock.waits(batches), start=1):
        inputs = tile_inputs(batch, setup.train, setup.image, compute)
        with compute.autocast():
            logits_BCHW = state.network(inputs.image)
        step_loss = transfer_loss(logits_BCHW, inputs.label)
        state.optimizer.zero_grad(set_to_none=True)
        step_loss.backward()  # type: ignore[no-untyped-call]
        state.optimizer.step()
        total += step_loss.detach().double() * len(batch.plan.rows)
        tiles += len(batch.plan.rows)
        pace.step_queued()
        stepped(epoch, step, loss)
    mean = float(total) / tiles
    if not torch.isfinite(torch.tensor(mean)):
        raise diverged(f"seed {seed}, epoch {epoch + 1}: the loss is no finite number any more", layout.checkpoint)
    return {
        "epoch": epoch + 1,
        "train_loss": mean,
        "lr": rate,
        "seconds": clock.seconds,
        "tiles_per_s": tiles / clock.seconds,
        "data_wait_share": clock.wait_share,
    }
