"""What each layer of a network makes of the held-out locations, at pixels that are the same for every network.

Dimensions: B images, C channels or classes, H rows, W columns, N samples.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from pipeline.schema.landcover import N_DW_CLASSES
from training.augment import centre
from training.compute import Compute, Inputs, network_inputs
from training.dataset import Split, TrainingStore
from training.epoch_plan import BatchPlan, plan_all_seasons
from training.loader import read_batches
from training.metrics import Scores, confusion_matrix, scores
from training.robustness.layers import Layer, watched
from training.settings import STRIDE_PX, PretrainSettings
from training.single_unet import SingleUNet

SAMPLE_STREAM: Final = 21
"""Tells the random numbers that pick pixels from others drawn of the same seed."""


@dataclass(frozen=True)
class HeldOut:
    """The held-out locations of a comparison, all four seasons, and how they are shown."""

    store: TrainingStore
    """Opened with the labels to score against."""
    split: Split
    settings: PretrainSettings
    compute: Compute

    @property
    def plans(self) -> list[BatchPlan]:
        """What is read, in batches of the run's size."""
        return plan_all_seasons(self.split.held_out, self.settings.batch_size)

    def inputs(self) -> Iterator[Inputs]:
        """The largest centre crops that a network takes, batch after batch; errors of read_batches."""
        side_px = self.store.patch_px - self.store.patch_px % STRIDE_PX
        for batch in read_batches(self.store, self.plans, pin=self.compute.pinned):
            placement = centre(len(batch.rows), side_px, self.store.patch_px)
            yield network_inputs(batch, placement, s2_bands=self.settings.s2_bands, compute=self.compute)


@dataclass(frozen=True)
class Seen:
    """What a network makes of the held-out locations."""

    features: dict[Layer, Tensor]
    """float32 (N, C) of each layer, on the CPU; N is the layer's own."""
    scores: Scores
    """Against the labels of the store that it was shown."""


@torch.no_grad()
def see(network: SingleUNet, ground: HeldOut, *, samples: int, on_progress: Callable[[int, int], None]) -> Seen:
    """Show the held-out locations to a network, in float32 and with batch norm on its stored statistics.

    Of each layer about `samples` pixels are kept, equally many of each image; which ones follows from the settings'
    seed, the store and the layer's size alone, not from the network. `on_progress` is told how many batches are done,
    of how many. Raises NoldoError for damaged data, and ValueError where no pixel has a label.
    """
    network.eval()
    plans = ground.plans
    an_image = -(-samples // sum(len(plan.rows) for plan in plans))
    kept: dict[Layer, list[Tensor]] = {}
    confusion_CC = torch.zeros((N_DW_CLASSES, N_DW_CLASSES), dtype=torch.int64)
    with watched(network) as seen:
        for number, inputs in enumerate(ground.inputs()):
            (logits_BCHW,) = network(inputs.s1, inputs.s2).values()
            confusion_CC += confusion_matrix(logits_BCHW.argmax(1), inputs.label, N_DW_CLASSES)
            for place, (layer, feature_BCHW) in enumerate(seen.items()):
                generator = torch.Generator().manual_seed(_pixel_seed(ground.settings.seed, number, place))
                kept.setdefault(layer, []).append(_drawn(feature_BCHW, an_image, generator))
            on_progress(number + 1, len(plans))
    return Seen({layer: torch.cat(parts) for layer, parts in kept.items()}, scores(confusion_CC))


def _pixel_seed(seed: int, batch: int, layer: int) -> int:
    return int(np.random.SeedSequence([seed, SAMPLE_STREAM, batch, layer]).generate_state(1, np.uint64)[0] >> 1)


def _drawn(feature_BCHW: Tensor, an_image: int, generator: torch.Generator) -> Tensor:
    """Features at so many pixels of each image, each pixel once at most, all where it has fewer: float32 (N, C)."""
    feature_BPC = feature_BCHW.float().flatten(2).transpose(1, 2)
    images, pixels, channels = feature_BPC.shape
    order_BP = torch.rand((images, pixels), generator=generator).topk(min(an_image, pixels)).indices
    index_BNC = order_BP.to(feature_BPC.device).unsqueeze(2).expand(-1, -1, channels)
    drawn_NC: Tensor = feature_BPC.gather(1, index_BNC).reshape(-1, channels)
    return drawn_NC.cpu()
