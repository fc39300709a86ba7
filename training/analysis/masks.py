"""Confidence and selection masks of a few patches, as images beside what they are made from (Fig. 11).

Dimensions: B batch, C class or band, H row, W column.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.schema.landcover import IGNORE, N_DW_CLASSES
from training.analysis.held_out import see, spread_rows
from training.analysis.run_data import RunData
from training.compute import Compute
from training.confidence import enhance, entropy_confidence, gini_confidence, label_confidence
from training.epoch_plan import BatchPlan
from training.loader import read_all_seasons, read_batches
from training.modality import Modality
from training.ramp import selection_ratio
from training.segmenter import Segmenter
from training.selection import segmentation_weights
from training.settings import PretrainSettings

CANDIDATES: Final = 64
"""Held-out locations that are looked through for those to show."""


@dataclass(frozen=True)
class MaskImages:
    """One modality of one patch; every array (H, W)."""

    prediction: NDArray[np.uint8]
    confidence: NDArray[np.float32]
    """f, the probability of the label (eq. 8), 0..1."""
    support: NDArray[np.float32]
    """f^, the same tempered by the other modality (eq. 10), 0..1; f itself where there is no other."""
    weight: NDArray[np.float32]
    """w, the weight in the segmentation loss (eq. 11), 0..1."""
    certainty: NDArray[np.float32]
    """v, the weight in the consistency loss at the ramp's end (eq. 12), 0..1."""


@dataclass(frozen=True)
class MaskedPatch:
    """One patch in one season."""

    row: int
    """Of the store."""
    season: int
    s1: NDArray[np.uint8]
    """(2, H, W)."""
    s2: NDArray[np.uint8]
    """(13, H, W)."""
    label: NDArray[np.uint8]
    """(H, W)."""
    truth: NDArray[np.uint8] | None
    """(H, W); None where it is not known."""
    masks: Mapping[Modality, MaskImages]


def masked_patches(
    network: Segmenter,
    data: RunData,
    settings: PretrainSettings,
    compute: Compute,
    *,
    count: int,
    reached: float = 1.0,
) -> list[MaskedPatch]:
    """Return held-out patches with their masks as training would make them.

    `reached`: how far the ramp has come, 0..1; by default as in the last epochs, with the final ratio. The patches are
    of the held-out locations whose labels hold most classes, each in the season where they do. Thresholds are taken
    over these patches together, which are fewer than a training batch.
    """
    plan = _most_varied(data, count)
    (batch,) = read_batches(data.store, [plan], pin=compute.pinned)
    (seen,) = see(network, data, [plan], settings, compute)
    ratio = selection_ratio(reached, final_ratio=settings.objective.final_ratio)
    own_certainty = entropy_confidence if settings.objective.confidence == "entropy" else gini_confidence
    certainty = {m: own_certainty(log_p_BCHW) for m, log_p_BCHW in seen.log_p.items()}
    images: dict[Modality, dict[str, NDArray[np.generic]]] = {}
    for m, log_p_BCHW in seen.log_p.items():
        others = [g_BHW for other, g_BHW in certainty.items() if other != m]
        images[m] = {
            "prediction": log_p_BCHW.argmax(1).to(torch.uint8).cpu().numpy(),
            "confidence": label_confidence(log_p_BCHW, seen.label).cpu().numpy(),
            "support": seen.support[m].cpu().numpy(),
            "weight": segmentation_weights(seen.support[m], seen.label, ratio=ratio, classes=N_DW_CLASSES)
            .cpu()
            .numpy(),
            "certainty": (enhance(certainty[m], others[0]) if others else certainty[m]).cpu().numpy(),
        }
    return [
        MaskedPatch(
            row=int(plan.rows[at]),
            season=int(plan.seasons[at]),
            s1=batch.s1[at].numpy(),
            s2=batch.s2[at].numpy(),
            label=seen.label[at].cpu().numpy(),
            truth=None if seen.truth is None else seen.truth[at].cpu().numpy(),
            masks={
                m: MaskImages(**{name: array[at] for name, array in arrays.items()}) for m, arrays in images.items()
            },
        )
        for at in range(len(plan.rows))
    ]


def _most_varied(data: RunData, count: int) -> BatchPlan:
    """Of each of some held-out locations its season with most classes in the label; of these, the `count` with most."""
    rows = spread_rows(data.split.held_out, CANDIDATES)
    label_BSP = read_all_seasons(data.store.labels.array, rows).flatten(2)
    shares_BSC = torch.stack([(label_BSP == c).float().mean(2) for c in range(N_DW_CLASSES)], dim=2)
    missing_BS = (label_BSP == IGNORE).float().mean(2)
    # A class counts from a hundredth of the patch on; of as many classes the fewer unlabelled pixels decide.
    variety_BS = ((shares_BSC >= 0.01).sum(2) - missing_BS).numpy()
    seasons = variety_BS.argmax(1)
    best = np.argsort(-variety_BS.max(1), kind="stable")[:count]
    return BatchPlan(rows[best], seasons[best].astype(np.int64))
