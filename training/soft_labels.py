"""Dynamic World's class probabilities as labels, in place of the likeliest class alone.

The target of eq. 13 then has the probabilities q_i where it has onehot(y_i); the label confidence of eq. 8 is the
expected one, sum_c q_ic p_ic; and the class of a pixel in the class-balanced selection of eq. 11 stays the likeliest
one, argmax q_i, which is the hard label. Equations: CromSS, arXiv 2405.01217. The prior of eq. 14-15 is made of the
hard labels of all seasons in either case. Where q_i is one-hot, all of it is what hard labels give.
Dimensions: B batch, C class, H row, W column.
"""

import torch
from torch import Tensor

from pipeline.schema.landcover import IGNORE


def normalised(share_BCHW: Tensor) -> Tensor:
    """Return the shares divided by their class sum, float32, which is then 1; 0 where all of them are 0.

    Stored probabilities are rounded to 1/255, and interpolation mixes them with the zeros of unlabelled pixels.
    """
    total_B1HW = share_BCHW.sum(dim=1, keepdim=True)
    return torch.where(total_B1HW > 0.0, share_BCHW / total_B1HW, 0.0)


def expected_confidence(log_p_BCHW: Tensor, probabilities_BCHW: Tensor, label_BHW: Tensor) -> Tensor:
    """Return f_i = sum_c q_ic p_ic, the label confidence of eq. 8 expected under the soft label.

    `log_p_BCHW`: log-probabilities, float32. `probabilities_BCHW`: q, class sum 1. `label_BHW`: the hard labels, 255
    for no label. Result: (B, H, W), 0..1; 0 where there is no label.
    """
    expected_BHW = (probabilities_BCHW * log_p_BCHW.exp()).sum(dim=1)
    return torch.where(label_BHW != IGNORE, expected_BHW, 0.0)
