"""The noisy annotator: nine probabilities a pixel and their best class, right about seven times in ten.

It sees the day's true cover through a blurred and slightly displaced glass, and errs by region: each class has a slow
field of favour, half of it the same in every season, that tips the balance among classes that look alike.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from pipeline.emulator.frame import purpose
from pipeline.emulator.noise import Float, key
from pipeline.emulator.texture import Texture
from pipeline.emulator.truth import Ground, cover_at
from pipeline.emulator.view import View

CONFUSION: Final = np.array(
    [  # water, trees, grass, flooded, crops, shrub, built, bare, snow
        [0.944, 0.004, 0.002, 0.036, 0.002, 0.002, 0.004, 0.004, 0.002],
        [0.003, 0.850, 0.030, 0.022, 0.025, 0.065, 0.004, 0.001, 0.000],
        [0.001, 0.050, 0.650, 0.035, 0.135, 0.115, 0.006, 0.008, 0.000],
        [0.130, 0.060, 0.110, 0.580, 0.075, 0.041, 0.002, 0.002, 0.000],
        [0.001, 0.022, 0.120, 0.022, 0.740, 0.060, 0.010, 0.025, 0.000],
        [0.001, 0.085, 0.105, 0.010, 0.070, 0.660, 0.014, 0.055, 0.000],
        [0.003, 0.018, 0.012, 0.002, 0.022, 0.020, 0.870, 0.052, 0.001],
        [0.004, 0.002, 0.014, 0.003, 0.075, 0.095, 0.065, 0.737, 0.005],
        [0.012, 0.030, 0.010, 0.002, 0.008, 0.010, 0.012, 0.036, 0.880],
    ],
    dtype=np.float32,
)
"""Chance of each answer (columns) for each truth (rows) where the glass is clear; each row adds up to 1."""

MARGIN_PX: Final = 5
"""Pixels that the annotator looks beyond a window: displacement and half the blur."""
BLUR_PX: Final = 5
SHIFT_PX: Final = 1.6
"""Spread of the displacement, pixels; never more than MARGIN_PX less half the blur."""
LASTING: Final = 0.5
"""Share of the favour's variance that is the same in every season."""
FAVOUR_CELLS_M: Final = (18_000.0, 1_500.0, 480.0)
FAVOUR_WEIGHTS: Final = (0.35, 0.75, 0.9)
GREENNESS: Final = (0.0, 0.45, 0.20, 0.20, 0.05, -0.25, -0.35, -0.60, 0.0)
BRIGHTNESS: Final = (0.0, -0.30, -0.05, -0.20, 0.15, 0.05, 0.30, 0.35, 0.0)
"""How a greener or brighter look than the true class's own moves the answers, log chance a unit of texture."""
CLOUD_MASK: Final = 0.12
"""Opacity or shadow from which a pixel has no label."""


def annotate(seed: int, land: Ground, look: Texture, view: View) -> Float:
    """Probabilities (9, height, width) that sum to 1; `land` and `look` cover MARGIN_PX more on every side."""
    seen = _seen(land, view)
    green, bright = look.optical[0], look.optical[1]
    scores = []
    for answer in range(9):
        likely = np.full(seen.shape[1:], 0.0004, dtype=np.float32)
        for truth in range(9):
            likely += CONFUSION[truth, answer] * seen[truth]
        tip = _favour(seed, land, view, answer)
        tip = tip + np.float32(GREENNESS[answer]) * green + np.float32(BRIGHTNESS[answer]) * bright
        scores.append(likely * _inner(np.exp(tip)))
    total = scores[0].copy()
    for score in scores[1:]:
        total += score
    return np.stack([score / total for score in scores])


def _inner(values: Float) -> Float:
    return values[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]


def _favour(seed: int, land: Ground, view: View, answer: int) -> Float:
    """A slow Gumbel field: the largest of log chance + favour is then drawn with that chance."""
    lasting = land.frame.slow(purpose(seed, f"favour-{answer}"), FAVOUR_CELLS_M, FAVOUR_WEIGHTS)
    passing = land.frame.slow(key(view.key, "favour", answer), FAVOUR_CELLS_M, FAVOUR_WEIGHTS)
    mixed = np.sqrt(LASTING) * lasting + np.sqrt(1.0 - LASTING) * passing
    gumbel = -np.log(-np.log(np.clip(ndtr(mixed), 1e-5, 1.0 - 1e-5)))
    return land.frame.lift(gumbel.astype(np.float32))


def _seen(land: Ground, view: View) -> Float:
    """Shares of the nine classes, (9, height, width), in a displaced and blurred neighbourhood."""
    cover = cover_at(land, view.time)
    height, width = cover.shape
    reach = MARGIN_PX - BLUR_PX // 2
    shifts: list[NDArray[np.intp]] = []
    for axis in ("x", "y"):
        wander = land.frame.lift(land.frame.slow(key(view.key, "shift", axis), (700.0,)))
        shift = np.clip(np.rint(np.float32(SHIFT_PX) * wander), -reach, reach)
        shifts.append(shift.astype(np.intp))
    rows, columns = np.ogrid[0:height, 0:width]
    # Indices clipped at the rim reach only pixels that the inner window never looks at.
    moved = cover[np.clip(rows + shifts[1], 0, height - 1), np.clip(columns + shifts[0], 0, width - 1)]
    inner_h, inner_w = height - 2 * MARGIN_PX, width - 2 * MARGIN_PX
    shares = np.empty((9, inner_h, inner_w), dtype=np.float32)
    first = MARGIN_PX - BLUR_PX // 2
    for number in range(9):
        one = (moved == number).astype(np.uint8)
        across = one[:, first : first + inner_w].copy()
        for step in range(1, BLUR_PX):
            across += one[:, first + step : first + step + inner_w]
        both = across[first : first + inner_h].copy()
        for step in range(1, BLUR_PX):
            both += across[first + step : first + step + inner_h]
        shares[number] = both * np.float32(1.0 / BLUR_PX**2)
    return shares
