"""One pass over the training locations, from wherever it stands.

Tensors carry their dimensions: B samples, C classes or bands, H rows, W columns.
"""

from typing import Any

from training.augment import Augmentation, draw
from training.compute import network_inputs
from training.epoch_plan import Shuffle, plan_epoch
from training.loader import Batch, read_batches
from training.look import Look
from training.pace import Pace
from training.run import Run
from training.run_state import RunState
from training.step import StepLosses
from training.train_step import train_step
from training.trained_form import Forward
from training.under_way import UnderWay


def train_epoch(run: Run, state: RunState, forward: Forward, under_way: UnderWay, look: Look) -> dict[str, Any]:
    """Train until the epoch's end; return its line of the log, the validation loss excepted.

    `forward`: the network as it is trained, see trained_form. `look`: what is done after steps now and then.
    Raises NoldoError where the loss is no finite number or data is damaged, KeyboardInterrupt where the run was told
    to stop.
    """
    settings, world = run.settings, run.world
    shuffle = Shuffle(settings.seed, under_way.epoch, world.rank, world.size)
    plans = plan_epoch(shuffle, run.split.train, settings.batch_size)
    pace = Pace(run.compute.device)
    state.network.train()
    look.epoch_begins(under_way)
    batches = read_batches(
        run.store,
        plans[under_way.steps :],
        pin=run.compute.pinned,
        probabilities=run.reads_probabilities,
        confidence=run.reads_confidence,
    )
    for batch in under_way.clock.waits(batches):
        losses = _step(run, state, forward, batch, under_way)
        under_way.stepped(losses, len(batch.rows))
        pace.step_queued()
        look.after_step(under_way)
    totals = under_way.sums.totals(world)
    return {
        "epoch": under_way.epoch + 1,
        **totals.means_since(None),
        "lr": state.optimizer.param_groups[0]["lr"],
        "seconds": under_way.clock.seconds,
        "locations_per_s": totals.locations / under_way.clock.seconds,
        "data_wait_share": under_way.clock.wait_share,
    }


def _step(run: Run, state: RunState, forward: Forward, batch: Batch, under_way: UnderWay) -> StepLosses:
    settings = run.settings
    augmentation = Augmentation(settings.crop_px, settings.flip_p, settings.rotation_p, settings.rotation_max_deg)
    placement = draw(augmentation, len(batch.rows), run.store.patch_px, under_way.augmentation)
    inputs = network_inputs(batch, placement, s2_bands=settings.s2_bands, compute=run.compute)
    return train_step(forward, state.optimizer, inputs, under_way.epoch, objective=run.objective, compute=run.compute)
