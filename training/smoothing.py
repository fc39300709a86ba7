"""Spatial-temporal label smoothing (CromSS, Sec. III-C, eq. 13-15).

Dimensions: B batch, C class, S season, H row, W column, K tap of the Gaussian.
"""

import torch
from torch import Tensor

from pipeline.schema.landcover import IGNORE

SIGMA_PX = 3.0
"""Standard deviation of the Gaussian, pixels of 10 m (CromSS, eq. 14)."""
RADIUS_PX = 12
"""The Gaussian is cut off at four sigma, as scipy.ndimage.gaussian_filter does by default."""


def one_hot(label_BHW: Tensor, *, classes: int) -> Tensor:
    """Return the (B, C, H, W) float32 indicator of the label; all 0 where the label is 255.

    `label_BHW`: integer classes 0..C-1, or 255 for no label; any other value is an index error.
    """
    labelled_B1HW = (label_BHW != IGNORE).unsqueeze(1)
    index_B1HW = torch.where(labelled_B1HW, label_BHW.unsqueeze(1), 0).long()
    b, h, w = label_BHW.shape
    zeros_BCHW = torch.zeros(b, classes, h, w, device=label_BHW.device)
    return zeros_BCHW.scatter_(1, index_B1HW, labelled_B1HW.float())


def season_mean(labels_BSHW: Tensor, *, classes: int) -> Tensor:
    """Return the mean over the seasons of the labels' indicators, (B, C, H, W) float32, 0..1.

    The class sum is 1 where every season is labelled, and falls by 1/S with each season that is not (255).
    """
    class_C11 = torch.arange(classes, device=labels_BSHW.device).view(-1, 1, 1)
    seasons = labels_BSHW.shape[1]
    b, _, h, w = labels_BSHW.shape
    # Counted in bytes: a quarter of the memory traffic, and as exact.
    votes_BCHW = torch.zeros(b, classes, h, w, dtype=torch.uint8, device=labels_BSHW.device)
    for season in range(seasons):
        votes_BCHW += labels_BSHW[:, season, None] == class_C11
    return votes_BCHW / seasons


def gaussian_matrix(size: int, *, device: torch.device) -> Tensor:
    """Return the (size, size) float32 matrix that smooths a line of `size` pixels; its rows sum to 1.

    Sigma 3 px, radius 12 px. Beyond the border the line is mirrored with its edge pixel repeated
    (d c b a | a b c d | d c b a: scipy.ndimage's mode 'reflect'), again and again where it is
    shorter than the radius.
    """
    offset_K = torch.arange(-RADIUS_PX, RADIUS_PX + 1, device=device)
    tap_K = torch.exp(-0.5 * (offset_K.double() / SIGMA_PX) ** 2)
    tap_K = tap_K / tap_K.sum()
    position = torch.arange(size, device=device)
    source = (position.view(-1, 1) + offset_K).remainder(2 * size)
    source = torch.minimum(source, 2 * size - 1 - source)
    return (tap_K.view(1, -1, 1) * (source.unsqueeze(-1) == position)).sum(dim=1).float()


def gaussian_smooth(x_BCHW: Tensor) -> Tensor:
    """Return G * x: every map smoothed along rows and columns (eq. 14), in float32 also under autocast."""
    h, w = x_BCHW.shape[-2:]
    with torch.autocast(x_BCHW.device.type, enabled=False):
        rows_HH = gaussian_matrix(h, device=x_BCHW.device)
        columns_WW = rows_HH if w == h else gaussian_matrix(w, device=x_BCHW.device)
        return rows_HH @ x_BCHW.float() @ columns_WW.T


def spatial_temporal_prior(labels_BSHW: Tensor, season_B: Tensor, *, classes: int) -> Tensor:
    """Return the class frequencies around each pixel, over space and the seasons (CromSS, eq. 14-15).

    prior = G * ((onehot(y) + mean over seasons of onehot) / 2), y being the label of season `season_B`: the
    paper's mean of a spatial and a temporal prior, in one smoothing, for the Gaussian is linear.
    `labels_BSHW`: uint8 classes 0..C-1, or 255 for no label. `season_B`: int64, 0..S-1.
    Result: (B, C, H, W) float32, 0..1.

    A missing label casts no vote: the smoothed votes are divided by their class sum, so that every prior
    sums to 1 over the classes (normalised convolution; Knutsson & Westin, CVPR 1993). Where no label is missing
    within the radius the divisor is 1.
    Where no season is labelled within the radius, the prior is 0.
    """
    label_BHW = chosen_label(labels_BSHW, season_B)
    votes_BCHW = one_hot(label_BHW, classes=classes).add_(season_mean(labels_BSHW, classes=classes)).div_(2.0)
    smooth_BCHW = gaussian_smooth(votes_BCHW)
    total_B1HW = smooth_BCHW.sum(dim=1, keepdim=True)
    return smooth_BCHW.div_(torch.where(total_B1HW > 0.0, total_B1HW, 1.0))


def chosen_label(labels_BSHW: Tensor, season_B: Tensor) -> Tensor:
    """Return each sample's label (B, H, W) of its own season."""
    return labels_BSHW[torch.arange(labels_BSHW.shape[0], device=labels_BSHW.device), season_B]


def smooth_labels(
    label_BHW: Tensor,
    prior_BCHW: Tensor | None,
    *,
    classes: int,
    prior_factor: float,
    uniform_factor: float,
    probabilities_BCHW: Tensor | None = None,
) -> Tensor:
    """Return t = (1 - a - b) onehot(y) + a prior + b / C, with a, b the two factors (CromSS, eq. 13).

    `label_BHW`: classes 0..C-1, or 255 for no label. `prior_BCHW`: as `spatial_temporal_prior` returns it;
    may be None where `prior_factor` is 0. `probabilities_BCHW`: soft labels to stand in place of onehot(y), class
    sum 1 where there is a label (training.soft_labels).
    Result: (B, C, H, W) float32, 0..1, class sum 1; all 0 where the label is 255.
    """
    own_BCHW = one_hot(label_BHW, classes=classes) if probabilities_BCHW is None else probabilities_BCHW
    target_BCHW = (1.0 - prior_factor - uniform_factor) * own_BCHW
    if prior_BCHW is not None:
        target_BCHW += prior_factor * prior_BCHW
    elif prior_factor != 0.0:
        raise ValueError(f"prior_factor is {prior_factor}, but no prior was given")
    target_BCHW += uniform_factor / classes
    target_BCHW *= (label_BHW != IGNORE).unsqueeze(1)
    return target_BCHW
