"""What a network makes of the locations that its run held out, batch after batch.

Dimensions: B batch, C class, H row, W column.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import log_softmax

from pipeline.schema.records import N_SEASONS
from training.analysis.one_modality import logits_of
from training.analysis.run_data import RunData
from training.augment import centre
from training.compute import Compute, network_inputs
from training.cromss import support
from training.epoch_plan import BatchPlan, in_batches, plan_all_seasons
from training.loader import read_batches, read_labels
from training.modality import Modality
from training.segmenter import Segmenter
from training.settings import PretrainSettings

BATCH: Final = 8
"""Patches of the whole store that are read at once."""

DRAW_STREAM: Final = 7
"""Tells the choice of patches from other random numbers of the same seed."""


@dataclass(frozen=True)
class Seen:
    """A batch of whole patches, on the device."""

    log_p: Mapping[Modality, Tensor]
    """float32 (B, C, H, W): log-probabilities of each modality that the network sees."""
    support: Mapping[Modality, Tensor]
    """float32 (B, H, W): label confidence f^ (CromSS, eq. 8 and 10); of one modality alone, f."""
    label: Tensor
    """uint8 (B, H, W): the noisy label, 255 where there is none."""
    truth: Tensor | None
    """uint8 (B, H, W); None where the truth is not known."""


def held_out_plans(data: RunData, settings: PretrainSettings, patches: int) -> list[BatchPlan]:
    """The held-out locations in all four seasons, in batches of the run's size, as its own scores are made.

    Where these are more than `patches` patches, only as many locations as fit, evenly spread over the rows.
    """
    return plan_all_seasons(spread_rows(data.split.held_out, patches // N_SEASONS), settings.batch_size)


def spread_rows(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Up to `most` of the rows, at least one, evenly spread."""
    count = min(len(rows), max(1, most))
    return rows[np.linspace(0, len(rows) - 1, count).round().astype(np.int64)]


def drawn_plans(data: RunData, patches: int) -> list[BatchPlan]:
    """`patches` patches of the whole store, each location and season at most once, drawn by a fixed seed."""
    every = data.store.locations * N_SEASONS
    drawn = np.random.default_rng([0, DRAW_STREAM]).permutation(every)[:patches].astype(np.int64)
    return in_batches(drawn // N_SEASONS, drawn % N_SEASONS, BATCH)


@torch.no_grad()
def see(
    network: Segmenter, data: RunData, plans: list[BatchPlan], settings: PretrainSettings, compute: Compute
) -> Iterator[Seen]:
    """Show the planned patches, whole, to a network in evaluation mode. Errors of read_batches."""
    soft = settings.objective.labels == "soft"
    for plan, batch in zip(plans, read_batches(data.store, plans, pin=compute.pinned, probabilities=soft), strict=True):
        px = data.store.patch_px
        inputs = network_inputs(batch, centre(len(batch.rows), px, px), s2_bands=settings.s2_bands, compute=compute)
        images = {"s1": inputs.s1, "s2": inputs.s2}
        with compute.autocast():
            logits = {m: logits_of(network, m, images[m]) for m in network.modalities}
        log_p = {m: log_softmax(logits_BCHW, dim=1) for m, logits_BCHW in logits.items()}
        truth = None if data.truth is None else read_labels(data.truth, plan).to(compute.device)
        supported = support(log_p, inputs.label, inputs.probabilities if soft else None)
        yield Seen(log_p, supported, inputs.label, truth)
