"""Symmetric cross-entropy, a segmentation loss that bears wrong labels (Wang et al., ICCV 2019, arXiv 1908.06112).

Dimensions: B batch, C class, H row, W column.
"""

from torch import Tensor

from training.losses import weighted_cross_entropy, weighted_mean

SMALLEST_TARGET = 1e-4
"""Stands for 0 under the logarithm of the reverse cross-entropy (arXiv 2504.13458)."""


def reverse_cross_entropy(log_p_BCHW: Tensor, target_BCHW: Tensor) -> Tensor:
    """Return -sum_c p_ic log max(t_ic, 1e-4) at each pixel, (B, H, W), 0..9.21 (the RCE of arXiv 1908.06112).

    The prediction takes the place of the target and the other way round, so that a label which the network is sure
    to be wrong costs no more than log 1e4. A target that label smoothing keeps away from 0 lowers that bound.
    `log_p_BCHW`: log-probabilities, float32. `target_BCHW`: class frequencies, 0..1.
    """
    return -(log_p_BCHW.exp() * target_BCHW.clamp_min(SMALLEST_TARGET).log()).sum(dim=1)


def symmetric_cross_entropy(
    log_p_BCHW: Tensor, target_BCHW: Tensor, weight_BHW: Tensor, *, alpha: float, beta: float
) -> Tensor:
    """Return alpha CE + beta RCE, each the weighted mean over the labelled pixels, 0-dim (the SL of arXiv 1908.06112).

    `log_p_BCHW`: log-probabilities, float32. `target_BCHW`: class frequencies, 0..1. `weight_BHW`: 0..1, and 0 for
    a pixel without a label. `alpha`, `beta`: >= 0.
    """
    forward = weighted_cross_entropy(log_p_BCHW, target_BCHW, weight_BHW)
    return alpha * forward + beta * weighted_mean(reverse_cross_entropy(log_p_BCHW, target_BCHW), weight_BHW)
