"""What teachers make of images: labels with confidence.

Dimensions: B batch, C class or band, H row, W column.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from pipeline.schema.bands import S2_NODATA
from pipeline.schema.landcover import IGNORE
from training.augment import Placement, centre, place_labels
from training.compute import Compute, network_inputs
from training.dataset import TrainingStore
from training.loader import Batch
from training.modality import Modality
from training.pseudo.settings import WritingSettings
from training.pseudo.teachers import Teacher
from training.settings import STRIDE_PX
from training.to_device import to_device
from training.transfer.padding import padded_logits
from training.transfer.predict import Viewing, tile_probabilities


@dataclass(frozen=True)
class Labelled:
    """Labels of a batch, on the CPU."""

    label: Tensor
    """uint8 (B, H, W): class, or 255 for no label."""
    confidence: Tensor
    """uint8 (B, H, W): 255 times the probability of the label; 0 where there is none."""


@torch.no_grad()
def label_images(
    teachers: Sequence[Teacher], batch: Batch, store: TrainingStore, settings: WritingSettings, compute: Compute
) -> Labelled:
    """Label whole images: every teacher's mean over flips and scales, then the ensemble of the teachers."""
    viewing = Viewing(None, 0.0, settings.flips, settings.scales)
    each = [_probabilities(teacher, batch, viewing, compute) for teacher in teachers]
    p_BHW, label_BHW = combine(each, settings.ensemble)
    known_BHW = (p_BHW >= settings.min_confidence) & (label_BHW != IGNORE)
    known_BHW &= observed(batch.s2, store).to(known_BHW.device)
    return Labelled(
        torch.where(known_BHW, label_BHW, IGNORE).to(torch.uint8).cpu(),
        torch.where(known_BHW, (255.0 * p_BHW).round(), 0.0).to(torch.uint8).cpu(),
    )


def combine(each: Sequence[Tensor], ensemble: Literal["mean", "agreement"]) -> tuple[Tensor, Tensor]:
    """Return the probability and the label of each pixel, (B, H, W) both; label 255 where agreement is asked in vain.

    `each`: class probabilities (B, C, H, W) of every teacher. The probability is that of the teachers' mean.
    """
    p_BHW, label_BHW = torch.stack(list(each)).mean(dim=0).max(dim=1)
    if ensemble == "agreement":
        for p_BCHW in each:
            label_BHW = torch.where(p_BCHW.argmax(dim=1) == label_BHW, label_BHW, IGNORE)
    return p_BHW, label_BHW


def observed(s2_BCHW: Tensor, store: TrainingStore) -> Tensor:
    """Tell where Sentinel-2 saw something, (B, H, W): not every band holds what no data is stored as.

    Everywhere, where the store does not state its scaling.
    """
    if store.scaling is None:
        return torch.ones_like(s2_BCHW[:, 0], dtype=torch.bool)
    scaling = store.scaling["s2"]
    nothing = scaling.to_uint8(np.full((len(scaling.bands), 1, 1), S2_NODATA, np.uint16))
    seen_BHW: Tensor = (s2_BCHW != torch.from_numpy(nothing)).any(dim=1)
    return seen_BHW


def placed_observed(s2_BCHW: Tensor, store: TrainingStore, placement: Placement, device: torch.device) -> Tensor:
    """The same of each sample's crop, bool (B, crop, crop), on the device; of turned ones as labels are turned."""
    seen_B1HW = to_device(observed(s2_BCHW, store).unsqueeze(1).to(torch.uint8), device)
    return place_labels(seen_B1HW, placement)[:, 0] > 0


def _probabilities(teacher: Teacher, batch: Batch, viewing: Viewing, compute: Compute) -> Tensor:
    px = batch.s2.shape[-1]
    whole = centre(len(batch.rows), px, px)
    inputs = network_inputs(batch, whole, s2_bands=teacher.s2_bands, compute=compute)

    def logits(image_BCHW: Tensor) -> Tensor:
        # A network of both modalities takes a Sentinel-1 image too, which does not touch what it makes of Sentinel-2.
        unseen_BCHW = image_BCHW.new_zeros((len(image_BCHW), inputs.s1.shape[1], *image_BCHW.shape[-2:]))
        with compute.autocast():
            seen: dict[Modality, Tensor] = teacher.network(unseen_BCHW, image_BCHW)
        return seen["s2"]

    return tile_probabilities(lambda image_BCHW: padded_logits(logits, image_BCHW, STRIDE_PX), inputs.s2, viewing)
