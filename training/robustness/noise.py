"""Noisy labels of one location at several rates, from its clean labels.

Rates nest: what is wrong at one rate is wrong in the same way at every higher one. Labels that are not there (255) stay
so, and of a location the four seasons are spoilt in the same blobs, as mistakes of Dynamic World recur.
Dimensions: R rates, S seasons, C classes, H rows, W columns, K blobs.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.schema.landcover import IGNORE
from training.robustness.blobs import Blobs


def mistakes_kept(
    labels_SHW: NDArray[np.uint8], clean_SHW: NDArray[np.uint8], kept_R: Sequence[float], blobs: Blobs
) -> NDArray[np.uint8]:
    """Return (R, S, H, W): the clean labels with shares of the labels' own mistakes.

    `kept_R`: the share of each map's mistakes that is kept, 0..1 each. Both kinds of label are 255 at the same pixels.
    """
    made = np.repeat(clean_SHW[None], len(kept_R), axis=0)
    for season, (labels_HW, clean_HW) in enumerate(zip(labels_SHW, clean_SHW, strict=True)):
        wrong_N = blobs.in_turn(labels_HW != clean_HW)
        for noisy_HW, kept in zip(made[:, season], kept_R, strict=True):
            chosen = wrong_N[: round(kept * len(wrong_N))]
            noisy_HW.flat[chosen] = labels_HW.flat[chosen]
    return made


def blobs_relabelled(
    clean_SHW: NDArray[np.uint8], rates_R: Sequence[float], blobs: Blobs, other_KC: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return (R, S, H, W): clean labels of which each map has the stated shares relabelled.

    `other_KC`: the class that each blob gives to the pixels of each class, another one always.
    """
    made = np.repeat(clean_SHW[None], len(rates_R), axis=0)
    for season, clean_HW in enumerate(clean_SHW):
        labelled_N = blobs.in_turn(clean_HW != IGNORE)
        other_N = other_KC[blobs.number.flat[labelled_N], clean_HW.flat[labelled_N]]
        for noisy_HW, rate in zip(made[:, season], rates_R, strict=True):
            chosen = round(rate * len(labelled_N))
            noisy_HW.flat[labelled_N[:chosen]] = other_N[:chosen]
    return made


def draw_other_classes(blobs: int, weight_C: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw for each blob what it makes of each class: (K, C), never the class itself.

    `weight_C`: how likely each class is where it may be drawn, >= 0; where none but the class itself weighs anything,
    the others are equally likely.
    """
    classes = len(weight_C)
    weight_CC = np.where(np.eye(classes, dtype=bool), 0.0, weight_C)
    alone_C = weight_CC.sum(1) == 0.0
    weight_CC[alone_C] = 1.0 - np.eye(classes)[alone_C]
    upto_CC = weight_CC.cumsum(1)
    upto_CC /= upto_CC[:, -1:]
    drawn_KC = rng.random((blobs, classes))
    other_KC: NDArray[np.uint8] = (drawn_KC[..., None] >= upto_CC).sum(-1).astype(np.uint8)
    return other_KC
