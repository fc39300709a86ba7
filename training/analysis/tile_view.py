"""A pretrained network on the tiles of a downstream store, whose raw values are scaled as the run's own store was.

Dimensions: B batch, C class or band, H row, W column.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.schema.bands import S2_BANDS, S2_BANDS_9
from training.analysis.one_modality import logits_of
from training.analysis.runs import PretrainRun
from training.analysis.subject import AnalysisSettings
from training.augment import IMAGE_MAX
from training.compute import Compute
from training.modality import Modality
from training.segmenter import Segmenter
from training.transfer.predict import Viewing, tile_probabilities
from training.transfer.tile_plan import plan_tile_test
from training.transfer.tile_reader import read_tile_batches
from training.transfer.tile_store import TileStore

OVERLAP = 0.5
"""Share of a window's side that it has in common with the next."""


@dataclass(frozen=True)
class SeenTiles:
    """A batch of whole tiles, on the CPU."""

    rows: NDArray[np.int64]
    image: Tensor
    """(B, C, H, W), raw."""
    label: Tensor
    """uint8 (B, H, W): place in the legend, or 255."""
    prediction: Tensor
    """uint8 (B, H, W)."""


@torch.no_grad()
def see_tiles(
    network: Segmenter,
    run: PretrainRun,
    store: TileStore,
    rows: NDArray[np.int64],
    *,
    settings: AnalysisSettings,
    compute: Compute,
) -> Iterator[SeenTiles]:
    """Predict tiles in the store's modality with a network in evaluation mode; tiles are mirrored at their borders."""
    viewing = Viewing(settings.window_px, OVERLAP, flips=False, scales=(1.0,))
    plans = plan_tile_test(rows, tile_px=store.tile_px, batch_size=settings.tile_batch)

    def forward(image_BCHW: Tensor) -> Tensor:
        with compute.autocast():
            return logits_of(network, store.modality, image_BCHW)

    for batch in read_tile_batches(store, plans, pin=False):
        image_BCHW = network_image(batch.image, run, store.modality).to(compute.device)
        prediction_BHW = tile_probabilities(forward, image_BCHW, viewing).argmax(1).to(torch.uint8).cpu()
        yield SeenTiles(batch.plan.rows, batch.image, batch.label, prediction_BHW)


def network_image(raw_BCHW: Tensor, run: PretrainRun, modality: Modality) -> Tensor:
    """Scale raw values as the run's store was scaled: float32 (B, bands, H, W), 0..1, in 256 steps as there.

    `raw_BCHW`: all bands of the modality, digital numbers or dB. A pixel that was not observed is scaled like any
    other value, as in the pretraining store.
    """
    unit_BCHW = torch.from_numpy(run.scaling(modality).to_uint8(raw_BCHW.numpy())).float().div_(IMAGE_MAX)
    if modality == "s2" and run.settings.s2_bands != len(S2_BANDS):
        unit_BCHW = unit_BCHW[:, [S2_BANDS.index(band) for band in S2_BANDS_9]]
    return unit_BCHW.contiguous(memory_format=torch.channels_last)
