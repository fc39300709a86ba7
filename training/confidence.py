"""How much a network's prediction supports a label, or itself, pixel by pixel (CromSS, Sec. III-B, eq. 8-10).

Dimensions: B batch, C class, H row, W column.
"""

import math

import torch
from torch import Tensor

from pipeline.schema.landcover import IGNORE


def label_confidence(log_p_BCHW: Tensor, label_BHW: Tensor) -> Tensor:
    """Return f_i = p_{i, y_i}, the probability given to the pixel's own label (CromSS, eq. 8).

    `log_p_BCHW`: log-probabilities, float32. `label_BHW`: integer classes 0..C-1, or 255 for no label.
    Result: (B, H, W), 0..1; 0 where there is no label.
    """
    labelled_BHW = label_BHW != IGNORE
    index_B1HW = torch.where(labelled_BHW, label_BHW, 0).long().unsqueeze(1)
    p_BHW = log_p_BCHW.gather(1, index_B1HW).squeeze(1).exp()
    return torch.where(labelled_BHW, p_BHW, 0.0)


def entropy_confidence(log_p_BCHW: Tensor) -> Tensor:
    """Return g_i = 1 - H(p_i) / log C: 0 for a uniform prediction, 1 for a certain one (CromSS, eq. 9).

    `log_p_BCHW`: log-probabilities, float32, C >= 2. Result: (B, H, W), 0..1.
    """
    entropy_BHW = -(log_p_BCHW.exp() * log_p_BCHW).sum(dim=1)
    return (1.0 - entropy_BHW / math.log(log_p_BCHW.shape[1])).clamp(0.0, 1.0)


def gini_confidence(log_p_BCHW: Tensor) -> Tensor:
    """Return sum_c p_ic^2, the alternative to eq. 9 that the published CromSS code offers.

    `log_p_BCHW`: log-probabilities, float32. Result: (B, H, W), 1/C..1.
    """
    return (2.0 * log_p_BCHW).exp().sum(dim=1)


def enhance(own_BHW: Tensor, other_BHW: Tensor) -> Tensor:
    """Return f * (1 + f') / 2: one modality's confidence, tempered by the other's (CromSS, eq. 10).

    Both (B, H, W) and 0..1, and so is the result, which never
    exceeds `own_BHW`.
    """
    return own_BHW * (1.0 + other_BHW) / 2.0
