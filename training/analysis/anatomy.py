"""One location of a store, season by season: images, labels, their noise, and the prior that smooths them.

Dimensions: B batch, S season, C band or class, H row, W column.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.schema.landcover import IGNORE, N_DW_CLASSES
from training.smoothing import chosen_label, smooth_labels, spatial_temporal_prior


@dataclass(frozen=True)
class SeasonAnatomy:
    """One season."""

    s2: NDArray[np.uint8]
    """(13, H, W)."""
    s1: NDArray[np.uint8]
    """(2, H, W)."""
    label: NDArray[np.uint8]
    """(H, W): the noisy label, 255 where there is none."""
    truth: NDArray[np.uint8] | None
    """(H, W); None where it is not known."""
    prior: NDArray[np.float32]
    """(9, H, W), 0..1: the spatial-temporal prior (CromSS, eq. 14-15)."""
    target: NDArray[np.float32]
    """(9, H, W), 0..1: the smoothed label that is learnt (eq. 13); 0 where there is no label."""

    @property
    def likeliest(self) -> NDArray[np.uint8]:
        """(H, W): the prior's most probable class; 255 where no season is labelled nearby."""
        best: NDArray[np.uint8] = self.prior.argmax(0).astype(np.uint8)
        return np.where(self.prior.any(0), best, np.uint8(IGNORE))

    @property
    def label_prior(self) -> NDArray[np.float32]:
        """(H, W), 0..1: what the prior says of the label's own class; NaN where there is no label."""
        index_1HW = np.where(self.label == IGNORE, 0, self.label)[None].astype(np.int64)
        own_HW = np.take_along_axis(self.prior, index_1HW, axis=0)[0]
        return np.where(self.label == IGNORE, np.float32(np.nan), own_HW)

    @property
    def wrong(self) -> float | None:
        """Share of the labelled pixels whose label is not the truth; None where nothing is known."""
        if self.truth is None:
            return None
        known = (self.label != IGNORE) & (self.truth != IGNORE)
        return float((self.label != self.truth)[known].mean()) if known.any() else None


def location_anatomy(
    s2: NDArray[np.uint8],
    s1: NDArray[np.uint8],
    dw: NDArray[np.uint8],
    truth: NDArray[np.uint8] | None = None,
    *,
    prior_factor: float = 0.15,
    uniform_factor: float = 0.05,
) -> tuple[SeasonAnatomy, ...]:
    """Take a location of a pretraining store apart, a record for each season.

    `s2`: (S, 13, H, W), `s1`: (S, 2, H, W), as stored. `dw`: (S, H, W), classes 0..8, 255 where there is none.
    `truth`: (S, H, W) likewise, where it is known. The factors are those of eq. 13, the paper's by default.
    ValueError where the arrays do not belong together.
    """
    shapes = {"s2": s2[:, 0].shape, "s1": s1[:, 0].shape, "truth": dw.shape if truth is None else truth.shape}
    for name, shape in shapes.items():
        if shape != dw.shape:
            raise ValueError(f"{name} is of {shape} (seasons, rows, columns), but dw of {dw.shape}")
    seasons = len(dw)
    labels_BSHW = torch.from_numpy(np.broadcast_to(dw, (seasons, *dw.shape)).copy())
    season_B = torch.arange(seasons)
    prior_BCHW = spatial_temporal_prior(labels_BSHW, season_B, classes=N_DW_CLASSES)
    target_BCHW = smooth_labels(
        chosen_label(labels_BSHW, season_B),
        prior_BCHW,
        classes=N_DW_CLASSES,
        prior_factor=prior_factor,
        uniform_factor=uniform_factor,
    )
    return tuple(
        SeasonAnatomy(
            s2=s2[at],
            s1=s1[at],
            label=dw[at],
            truth=None if truth is None else truth[at],
            prior=prior_BCHW[at].numpy(),
            target=target_BCHW[at].numpy(),
        )
        for at in range(seasons)
    )
