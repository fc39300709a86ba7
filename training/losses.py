"""The weighted losses of CromSS: cross-entropy, soft Dice, and consistency (Sec. III-A, eq. 2-7).

Dimensions: B batch, C class, H row, W column.
Log-probabilities come in as float32: a softmax in half precision, followed by log, gives -inf and then NaN.
"""

from typing import Literal, assert_never

from torch import Tensor

Divergence = Literal["ce", "kl", "mse"]

EPSILON = 1e-7
"""Smallest divisor, as in segmentation-models-pytorch's DiceLoss: all pixels unlabelled give loss 0."""


def weighted_mean(value_BHW: Tensor, weight_BHW: Tensor) -> Tensor:
    """Return sum_i w_i x_i / sum_i w_i over the batch, 0-dim; 0 where every weight is 0 (CromSS, eq. 6-7)."""
    return (weight_BHW * value_BHW).sum() / weight_BHW.sum().clamp_min(EPSILON)


def weighted_cross_entropy(log_p_BCHW: Tensor, target_BCHW: Tensor, weight_BHW: Tensor) -> Tensor:
    """Return sum_i w_i (-sum_c t_ic log p_ic) / sum_i w_i (CromSS, eq. 3 and 6).

    `log_p_BCHW`: log-probabilities, float32. `target_BCHW`: class frequencies, 0..1. `weight_BHW`: 0..1, and 0 for
    a pixel without a label. Result: 0-dim, >= 0.
    """
    return weighted_mean(-(target_BCHW * log_p_BCHW).sum(dim=1), weight_BHW)


def weighted_dice(log_p_BCHW: Tensor, target_BCHW: Tensor, weight_BHW: Tensor) -> Tensor:
    """Return the soft Dice loss, averaged over all C classes (CromSS, eq. 4 and 6).

    mean_c [class c occurs in the target] (1 - 2 sum_i w_i p_ic t_ic / max(sum_i w_i (p_ic + t_ic), 1e-7)),
    sums over the whole batch and all pixels. A class that does not occur adds 0, but counts in the mean.
    `log_p_BCHW`: log-probabilities, float32. `target_BCHW`: class frequencies, 0..1. `weight_BHW`: 0..1. Target and
    weight are 0 for a pixel without a label. Result: 0-dim, 0..1.
    """
    p_BCHW = log_p_BCHW.exp()
    weight_B1HW = weight_BHW.unsqueeze(1)
    overlap_C = (weight_B1HW * p_BCHW * target_BCHW).sum(dim=(0, 2, 3))
    size_C = (weight_B1HW * (p_BCHW + target_BCHW)).sum(dim=(0, 2, 3))
    occurs_C = target_BCHW.sum(dim=(0, 2, 3)) > 0.0
    return (occurs_C * (1.0 - 2.0 * overlap_C / size_C.clamp_min(EPSILON))).mean()


def divergence(teacher_log_p_BCHW: Tensor, log_p_BCHW: Tensor, *, kind: Divergence) -> Tensor:
    """Return D(teacher -> student) at each pixel, (B, H, W), >= 0, summed over the classes (CromSS, eq. 5).

    'kl': KL(teacher || student), the paper's. 'ce': cross-entropy of the student against the teacher, the
    published code's default, with the same gradient. 'mse': squared difference of the probabilities.
    Both inputs: log-probabilities, float32. The teacher is detached: it gets no gradient.
    """
    teacher_log_p_BCHW = teacher_log_p_BCHW.detach()
    if kind == "ce":
        term_BCHW = -teacher_log_p_BCHW.exp() * log_p_BCHW
    elif kind == "kl":
        term_BCHW = teacher_log_p_BCHW.exp() * (teacher_log_p_BCHW - log_p_BCHW)
    elif kind == "mse":
        term_BCHW = (teacher_log_p_BCHW.exp() - log_p_BCHW.exp()) ** 2
    else:
        assert_never(kind)
    return term_BCHW.sum(dim=1)
