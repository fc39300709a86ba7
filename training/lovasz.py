"""The Lovász-Softmax loss, a convex stand-in for one minus the intersection over union (arXiv 1705.08790).

Dimensions: B batch, C class, H row, W column; N all pixels of the batch, B * H * W.
"""

import torch
from torch import Tensor


def lovasz_softmax(log_p_BCHW: Tensor, label_BHW: Tensor, weight_BHW: Tensor) -> Tensor:
    """Return the mean over the classes that occur of the Lovász extension of their Jaccard losses (eq. 8-12), 0-dim.

    The intersection over union is that of the whole batch. `log_p_BCHW`: log-probabilities, float32. `label_BHW`:
    classes 0..C-1; anything where the weight is 0. `weight_BHW`: 0..1: 0 leaves a pixel out altogether, as for one
    without a label; one in between has its error scaled by it. Result: 0..1, and 0 where every weight is 0.
    """
    counted_N = (weight_BHW > 0.0).flatten()
    label_N, weight_N = label_BHW.flatten(), weight_BHW.flatten()
    p_CN = log_p_BCHW.exp().transpose(0, 1).flatten(1)
    losses, occurs = [], []
    for c, p_N in enumerate(p_CN.unbind()):
        own_N = ((label_N == c) & counted_N).float()
        # A pixel that is left out has error 0: sorted last, it moves no other pixel's share and adds none.
        error_N = weight_N * (own_N - p_N).abs()
        losses.append(_extension(error_N, own_N))
        occurs.append(own_N.any().float())
    occurs_C = torch.stack(occurs)
    return (torch.stack(losses) * occurs_C).sum() / occurs_C.sum().clamp_min(1.0)


def _extension(error_N: Tensor, own_N: Tensor) -> Tensor:
    """Return the Lovász extension of one class's Jaccard loss at its errors, 0-dim (eq. 9, algorithm 1).

    `error_N`: 0..1. `own_N`: 1 where the pixel is of the class, else 0.
    """
    order_N = error_N.detach().argsort(descending=True, stable=True)
    own_N = own_N[order_N]
    missed_N = own_N.sum() - own_N.cumsum(0)
    union_N = own_N.sum() + (1.0 - own_N).cumsum(0)
    jaccard_N = 1.0 - missed_N / union_N.clamp_min(1.0)
    step_N = torch.cat((jaccard_N[:1], jaccard_N[1:] - jaccard_N[:-1]))
    return (error_N[order_N] * step_N).sum()
