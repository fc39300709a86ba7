"""Batches of tiles as the network takes them: normalised first, then cropped and turned, on the device.

Tensors carry their dimensions: B samples, C bands, H rows, W columns.
"""

from dataclasses import dataclass

from torch import Tensor

from training.augment import place_labels, place_values
from training.compute import Compute
from training.encoders.spec import InputSpec
from training.transfer.tile_reader import TileBatch
from training.transfer.tile_store import TileStore


@dataclass(frozen=True)
class TileInputs:
    """A batch on the device."""

    image: Tensor
    """float32 (B, C, crop, crop), normalised as the encoder takes it; 0 where nothing was observed."""
    label: Tensor
    """uint8 (B, crop, crop): place in the legend, or 255."""


def tile_inputs(batch: TileBatch, store: TileStore, image: InputSpec, compute: Compute) -> TileInputs:
    """Move a batch to the device as it is stored, normalise it there, and crop and turn it.

    Normalised before it is turned, a pixel of no data is 0 and does not smear -9999 dB into its neighbours.
    """
    raw_BCHW = batch.image.to(compute.device, non_blocking=True).float()
    label_B1HW = batch.label.to(compute.device, non_blocking=True).unsqueeze(1)
    placement = batch.plan.placement
    return TileInputs(
        image=place_values(image.prepare(raw_BCHW, store.bands), placement),
        label=place_labels(label_B1HW, placement)[:, 0],
    )
