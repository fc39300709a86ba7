"""The labels of a whole store, clean and at several noise rates, some locations at a time.

Dimensions: R rates, B locations, S seasons, C classes, H rows, W columns.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.landcover import IGNORE, N_DW_CLASSES
from training.dataset import TrainingStore
from training.loader import read_all_seasons
from training.robustness.blobs import draw_blobs
from training.robustness.noise import blobs_relabelled, draw_other_classes, mistakes_kept
from training.robustness.settings import OWN, BlobNoise, PlanetNoise

BLOCK_ROWS: Final = 64
"""Locations at a time: 18 MB of labels at 264 px for each rate."""

NOISE_STREAM: Final = 20
"""Tells the random numbers of noise from others drawn of the same seed."""

Rates = Sequence[float | str]


@dataclass(frozen=True)
class Material:
    """What noisy labels are made of."""

    store: TrainingStore
    """Opened with the labels that are to be spoilt, or whose mistakes are."""
    truth: Any | None
    """tensorstore of uint8 (N, 4, P, P) where that is what counts as clean; None: the labels count as clean."""

    def read(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Labels and clean labels of some rows, (B, S, H, W) each, 255 in both wherever either is not known."""
        labels = read_all_seasons(self.store.labels.array, rows).numpy()
        if self.truth is None:
            return labels, labels
        clean = read_all_seasons(self.truth, rows).numpy()
        unknown = (labels == IGNORE) | (clean == IGNORE)
        labels[unknown] = clean[unknown] = IGNORE
        return labels, clean

    def blocks(self) -> Iterator[NDArray[np.int64]]:
        """All rows, in order, some at a time."""
        rows = np.arange(self.store.locations)
        return (rows[first : first + BLOCK_ROWS] for first in range(0, len(rows), BLOCK_ROWS))


@dataclass(frozen=True)
class Census:
    """What a first look at all labels counts."""

    by_class: NDArray[np.int64]
    """(C,): labelled pixels by their clean class."""
    wrong: int
    """Of them, how many the labels have wrong."""

    @property
    def own_rate(self) -> float:
        """Share of the labelled pixels that the labels have wrong."""
        return self.wrong / int(self.by_class.sum())


@dataclass(frozen=True)
class Block:
    """Some locations."""

    first: int
    """The first one's row."""
    clean: NDArray[np.uint8]
    """(B, S, H, W)."""
    noisy: NDArray[np.uint8]
    """(R, B, S, H, W)."""


def take_census(material: Material) -> Census:
    """Count labels and mistakes of all rows; NoldoError where there is no label at all."""
    clean_C, wrong = np.zeros(IGNORE + 1, np.int64), 0
    for rows in material.blocks():
        labels, clean = material.read(rows)
        clean_C += np.bincount(clean.ravel(), minlength=len(clean_C))
        wrong += int((labels != clean).sum())
    if not clean_C[:N_DW_CLASSES].sum():
        raise NoldoError(f"no pixel of {material.store.path} has a label, so there is nothing to spoil; build it again")
    return Census(clean_C[:N_DW_CLASSES], wrong)


def spoilt(noise: PlanetNoise | BlobNoise, rates: Rates, material: Material, census: Census) -> Iterator[Block]:
    """Yield all locations in order, clean and at each of the rates.

    The share of wrong pixels is met in the whole store (planet: each map keeps the same share of its mistakes) or in
    each map (blobs), to the nearest pixel a map. UsageError for a rate above that of the labels' own mistakes.
    """
    if isinstance(noise, PlanetNoise):
        return _planet(noise, _kept_shares(rates, census, material), material)
    return _relabelled(noise, [float(rate) for rate in rates], material, census)


def _planet(noise: PlanetNoise, kept_R: Sequence[float], material: Material) -> Iterator[Block]:
    side_px = material.store.patch_px
    for rows in material.blocks():
        labels, clean = material.read(rows)
        made = [
            mistakes_kept(l_SHW, c_SHW, kept_R, draw_blobs(side_px, noise.blob_px, _generator(noise, row)))
            for row, l_SHW, c_SHW in zip(rows.tolist(), labels, clean, strict=True)
        ]
        yield Block(int(rows[0]), clean, np.stack(made, axis=1))


def _relabelled(noise: BlobNoise, rates_R: Sequence[float], material: Material, census: Census) -> Iterator[Block]:
    side_px = material.store.patch_px
    weight_C = np.ones(N_DW_CLASSES) if noise.transition == "uniform" else census.by_class.astype(np.float64)
    for rows in material.blocks():
        _, clean = material.read(rows)
        made = []
        for row, clean_SHW in zip(rows.tolist(), clean, strict=True):
            generator = _generator(noise, row)
            blobs = draw_blobs(side_px, noise.blob_px, generator)
            others_KC = draw_other_classes(blobs.count, weight_C, generator)
            made.append(blobs_relabelled(clean_SHW, rates_R, blobs, others_KC))
        yield Block(int(rows[0]), clean, np.stack(made, axis=1))


def _kept_shares(rates: Rates, census: Census, material: Material) -> list[float]:
    own = census.own_rate
    highest = max((float(rate) for rate in rates if rate != OWN), default=0.0)
    if highest > own:
        raise UsageError(
            f"noise.rates has {highest:g}, but {material.store.path}'s labels are wrong at {own:.4f} of the pixels; "
            "give lower rates, 'own' for all mistakes, or noise of kind blobs"
        )
    return [1.0 if rate == OWN else float(rate) / own for rate in rates]


def _generator(noise: PlanetNoise | BlobNoise, row: int) -> np.random.Generator:
    return np.random.default_rng([noise.seed, NOISE_STREAM, row])
