"""The loss of transfer: cross-entropy + Dice over the labelled pixels (CromSS, section IV).

Dimensions: B batch, C class, H row, W column.
"""

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, one_hot

from pipeline.schema.landcover import IGNORE
from training.losses import weighted_cross_entropy, weighted_dice


def transfer_loss(logits_BCHW: Tensor, label_BHW: Tensor) -> Tensor:
    """Return CE + Dice against the labels as they are, 0-dim, >= 0; 0 where no pixel has a label.

    `logits_BCHW`: any float type, computed with in float32. `label_BHW`: class 0..C-1, or IGNORE (255), of which
    neither loss nor gradients see anything.
    """
    log_p_BCHW = log_softmax(logits_BCHW.float(), dim=1)
    labelled_BHW = label_BHW != IGNORE
    classes = logits_BCHW.shape[1]
    target_BHWC = one_hot(torch.where(labelled_BHW, label_BHW, 0).long(), classes) * labelled_BHW.unsqueeze(-1)
    target_BCHW = target_BHWC.permute(0, 3, 1, 2).float()
    weight_BHW = labelled_BHW.float()
    ce = weighted_cross_entropy(log_p_BCHW, target_BCHW, weight_BHW)
    return ce + weighted_dice(log_p_BCHW, target_BCHW, weight_BHW)
