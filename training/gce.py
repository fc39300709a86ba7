"""Generalised cross-entropy, between cross-entropy and absolute error (Zhang & Sabuncu 2018, arXiv 1805.07836).

Dimensions: B batch, C class, H row, W column.
"""

from torch import Tensor

from training.losses import weighted_mean


def generalised_cross_entropy(log_p_BCHW: Tensor, target_BCHW: Tensor, weight_BHW: Tensor, *, q: float) -> Tensor:
    """Return the weighted mean of sum_c t_ic (1 - p_ic^q) / q over the labelled pixels, 0-dim (its L_q loss, Sec. 3.2).

    For a one-hot target it is the paper's (1 - p_y^q) / q: the cross-entropy as q nears 0, the absolute error at 1.
    `log_p_BCHW`: log-probabilities, float32. `target_BCHW`: class frequencies, 0..1. `weight_BHW`: 0..1, and 0 for
    a pixel without a label. `q`: above 0, at most 1. Result: 0..1/q.
    """
    return weighted_mean((target_BCHW * -(q * log_p_BCHW).expm1()).sum(dim=1) / q, weight_BHW)
