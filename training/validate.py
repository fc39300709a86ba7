"""The validation loss of an epoch."""

import math

import torch

from training.augment import centre
from training.compute import network_inputs
from training.diverged import diverged
from training.epoch_plan import Shuffle, in_batches
from training.loader import read_batches
from training.run import Run
from training.segmenter import Segmenter
from training.step import validation_loss


@torch.no_grad()
def validate(run: Run, network: Segmenter, epoch: int) -> float:
    """Return the mean loss over the centre crops of the held-out locations, one fixed season each.

    Every process takes its share of the locations, with rank 0's batch norm statistics. `epoch`, from 0, is for the
    message only. Raises NoldoError where the loss is no finite number.
    """
    settings, world, rows = run.settings, run.world, run.split.held_out
    seasons = Shuffle(settings.seed, epoch=0).seasons(rows)
    mine = slice(world.rank, None, world.size)
    plans = in_batches(rows[mine], seasons[mine], settings.batch_size)
    world.share_buffers(network)
    network.eval()
    total = torch.zeros((), dtype=torch.float64, device=run.compute.device)
    for batch in read_batches(run.store, plans, pin=run.compute.pinned, probabilities=run.reads_probabilities):
        placement = centre(len(batch.rows), settings.crop_px, run.store.patch_px)
        inputs = network_inputs(batch, placement, s2_bands=settings.s2_bands, compute=run.compute)
        with run.compute.autocast():
            logits = network(inputs.s1, inputs.s2)
        total += validation_loss(logits, inputs, run.objective).double() * len(batch.rows)
    mean = float(world.total(total)) / len(rows)
    if not math.isfinite(mean):
        raise diverged(f"epoch {epoch + 1}: the validation loss is {mean}", run.layout.checkpoint)
    return mean
