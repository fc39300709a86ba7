"""Weights that spare the losses from doubtful pixels (CromSS, Sec. III-B, eq. 11-12).

Dimensions: B batch, C class, H row, W column, N = B*H*W pixels.
Nothing here waits for the device: shapes do not depend on the data, and no value is read back.
"""

import torch
from torch import Tensor

from pipeline.schema.landcover import IGNORE

_FLOAT_BITS = 32
_FLOAT_MASK = (1 << _FLOAT_BITS) - 1


def class_thresholds(confidence_BHW: Tensor, label_BHW: Tensor, *, ratio: float | Tensor, classes: int) -> Tensor:
    """Return tau_c, the floor(ratio * n_c)-th largest confidence of the n_c pixels of class c (CromSS, eq. 11).

    `confidence_BHW`: float32, >= 0. `label_BHW`: integer classes 0..C-1, or 255 for no label. `ratio`: 0..1.
    Result: (C,) float32; 0 for a class of which floor(ratio * n_c) = 0 pixels are selected.

    One sort serves all classes: the bits of non-negative floats rise with their value, so (class, confidence)
    is one integer. Unlabelled pixels sort behind every class. ratio * n_c is rounded to float32, as in the published
    code: 1 - (1 - 0.2), in float64 a hair below 0.2, selects 48 of 240 pixels, not 47.
    """
    class_N = torch.where(label_BHW == IGNORE, classes, label_BHW.long()).flatten()
    bits_N = confidence_BHW.float().contiguous().view(torch.int32).long().flatten()
    key_N = ((class_N << _FLOAT_BITS) | bits_N).sort().values
    first_key = torch.arange(classes + 1, device=key_N.device) << _FLOAT_BITS
    first = torch.searchsorted(key_N, first_key)
    end_C, count_C = first[1:], first.diff()
    selected_C = (count_C.float() * ratio).floor().long()
    tau_key_C = key_N[(end_C - selected_C).clamp_max(key_N.numel() - 1)]
    tau_C = (tau_key_C & _FLOAT_MASK).int().view(torch.float32)
    return torch.where(selected_C > 0, tau_C, 0.0)


def segmentation_weights(confidence_BHW: Tensor, label_BHW: Tensor, *, ratio: float | Tensor, classes: int) -> Tensor:
    """Return w_i = min(1, f_i / tau_c) with c = y_i, thresholds taken over the whole batch (CromSS, eq. 11).

    `confidence_BHW`: enhanced label confidence, float32, 0..1. `label_BHW`: classes 0..C-1, or 255 for no
    label. `ratio`: selection ratio a, 0..1. Result: (B, H, W), 0..1; 0 where there is no label.

    Where tau_c = 0 every pixel of the class gets weight 1. So it does where floor(a * n_c) = 0, for a class of a
    few pixels: the published code gives those weight 0, which drops the rarest classes from a batch.
    """
    tau_C = class_thresholds(confidence_BHW, label_BHW, ratio=ratio, classes=classes)
    labelled_BHW = label_BHW != IGNORE
    tau_BHW = tau_C[torch.where(labelled_BHW, label_BHW, 0).long()]
    weight_BHW = torch.where(tau_BHW > 0.0, (confidence_BHW / tau_BHW).clamp_max(1.0), 1.0)
    return torch.where(labelled_BHW, weight_BHW, 0.0)


def consistency_weights(confidence_BHW: Tensor, label_BHW: Tensor, *, ramp_value: float | Tensor) -> Tensor:
    """Return v_i = (1 - r) + r * g_i (CromSS, eq. 12).

    `confidence_BHW`: enhanced entropy (or gini) confidence, float32, 0..1. `ramp_value`: r, 0..1.
    Result: (B, H, W), 0..1; 0 where `label_BHW` is 255: no label there mostly means cloud, under which
    Sentinel-2 has nothing to teach Sentinel-1.
    """
    return torch.where(label_BHW != IGNORE, (1.0 - ramp_value) + ramp_value * confidence_BHW, 0.0)
