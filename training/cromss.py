"""Cross-modal sample selection and consistency: two modalities, one noisy label.

"CromSS: Cross-modal pretraining with noisy labels for remote sensing image segmentation", IEEE TGRS 2025,
arXiv 2405.01217; equation numbers are that paper's.
Dimensions: B batch, C class, H row, W column. s1, s2: Sentinel-1, Sentinel-2.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.schema.landcover import IGNORE
from training.confidence import enhance, entropy_confidence, gini_confidence, label_confidence
from training.losses import Divergence, divergence, weighted_mean
from training.modality import Modality
from training.objective import Objective
from training.ramp import Strength
from training.selection import consistency_weights, segmentation_weights
from training.soft_labels import expected_confidence


@dataclass(frozen=True)
class SelectionMasks:
    """The weights of each pixel, (B, H, W) float32, 0..1, off the graph; 0 where there is no label."""

    segmentation: Mapping[Modality, Tensor]
    """w of eq. 11, weighs the segmentation loss of that modality."""
    consistency: Mapping[Modality, Tensor]
    """v of eq. 12 with that modality as the teacher; empty where there is but one."""


@torch.no_grad()
def selection_masks(
    log_p: Mapping[Modality, Tensor],
    label_BHW: Tensor,
    probabilities_BCHW: Tensor | None = None,
    *,
    strength: Strength,
    objective: Objective,
) -> SelectionMasks:
    """Return the weights of the losses in every modality (CromSS, eq. 8-12).

    `log_p`: log-probabilities (B, C, H, W), float32. `label_BHW`: classes 0..C-1, or 255 for no label.
    `probabilities_BCHW`: soft labels, where they are learnt. With one modality there is nothing to select by: every
    labelled pixel weighs 1, as it does without `objective.select`.
    """
    if not objective.select or len(log_p) == 1:
        labelled_BHW = (label_BHW != IGNORE).float()
        teachers = log_p if len(log_p) > 1 else ()
        return SelectionMasks(dict.fromkeys(log_p, labelled_BHW), dict.fromkeys(teachers, labelled_BHW))
    classes = log_p["s1"].shape[1]
    own_confidence = entropy_confidence if objective.confidence == "entropy" else gini_confidence
    f = support(log_p, label_BHW, probabilities_BCHW)
    g = _enhanced({m: own_confidence(log_p_BCHW) for m, log_p_BCHW in log_p.items()})
    return SelectionMasks(
        {m: segmentation_weights(f_BHW, label_BHW, ratio=strength.ratio, classes=classes) for m, f_BHW in f.items()},
        {m: consistency_weights(g_BHW, label_BHW, ramp_value=strength.ramp) for m, g_BHW in g.items()},
    )


@torch.no_grad()
def support(
    log_p: Mapping[Modality, Tensor], label_BHW: Tensor, probabilities_BCHW: Tensor | None = None
) -> dict[Modality, Tensor]:
    """Return how much each modality, tempered by the other one, supports the label (CromSS, eq. 8 and 10).

    Arguments as `selection_masks`. Result: (B, H, W), 0..1; 0 where there is no label. Of one modality alone it is
    the plain label confidence.
    """
    if probabilities_BCHW is None:
        own = {m: label_confidence(log_p_BCHW, label_BHW) for m, log_p_BCHW in log_p.items()}
    else:
        own = {m: expected_confidence(log_p_BCHW, probabilities_BCHW, label_BHW) for m, log_p_BCHW in log_p.items()}
    return _enhanced(own) if len(own) > 1 else own


def consistency_loss(log_p: Mapping[Modality, Tensor], masks: SelectionMasks, kind: Divergence) -> Tensor:
    """Return the sum of both directions: each modality teaches the other, weighed by the teacher's confidence (eq. 7).

    `log_p`: log-probabilities (B, C, H, W) of both modalities, float32. Result: 0-dim, >= 0.
    """
    s1_teaches_BHW = divergence(log_p["s1"], log_p["s2"], kind=kind)
    s2_teaches_BHW = divergence(log_p["s2"], log_p["s1"], kind=kind)
    return weighted_mean(s1_teaches_BHW, masks.consistency["s1"]) + weighted_mean(
        s2_teaches_BHW, masks.consistency["s2"]
    )


def _enhanced(own: Mapping[Modality, Tensor]) -> dict[Modality, Tensor]:
    return {"s1": enhance(own["s1"], own["s2"]), "s2": enhance(own["s2"], own["s1"])}
