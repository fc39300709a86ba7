"""What Sentinel-1 sees: ground-range detected backscatter, VV and VH in dB, with speckle."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from pipeline.emulator.noise import Float, drawn, gamma_quantiles, key, normal
from pipeline.emulator.signatures import signatures
from pipeline.emulator.texture import Texture
from pipeline.emulator.truth import BUILT, WATER, Ground
from pipeline.emulator.view import View, pixel_bits, spread_point, states
from pipeline.schema.grid import PixelGrid

LOOKS: Final = 4.4
"""Equivalent number of looks of IW GRD high resolution (Sentinel-1 product definition, table of GRD performance)."""
SPECKLE: Final = gamma_quantiles(LOOKS)
MEDIAN_BIAS_DB: Final = 0.33
"""The median of 4.4-look speckle lies that far below its mean."""
FLOOR: Final = 10.0**-3.2
"""Noise floor, linear."""
POLARISATIONS: Final = ("VV", "VH")


def render(
    land: Ground, look: Texture, view: View, ascending: bool, bands: Sequence[str], window: PixelGrid
) -> dict[str, Float]:
    """Backscatter in dB of VV and VH, (height, width) each.

    `land` and `look` cover the window at 10 m and one pixel more on every side.
    """
    state = states(land, view)
    figures = signatures()
    mean = figures.on_day(figures.radar, view.angle, view.southern, view.seasonality)
    weather = np.full(len(mean), 0.7 * normal(key(view.key, "moisture")), dtype=np.float32)
    weather[WATER] = np.float32(1.6 * normal(key(view.key, "wind")))
    weather[BUILT] = 0.0
    tilt = land.frame.lift(_facing_db(look, ascending))
    result = {}
    for band in bands:
        polarisation = POLARISATIONS.index(band)
        level = (mean[:, polarisation] + weather).take(state) + np.float32(MEDIAN_BIAS_DB) + tilt
        for number in range(2):
            weights = figures.radar_factors[number, :, polarisation].astype(np.float32)
            level += weights.take(state) * look.radar[number]
        level += look.glint_db * np.float32(1.0 if band == "VV" else 0.7)
        power = spread_point(np.power(np.float32(10.0), level * np.float32(0.1)))
        bits = pixel_bits(key(view.key, "speckle", band), window)
        result[band] = np.float32(10.0) * np.log10((power + np.float32(FLOOR)) * drawn(bits, SPECKLE, 0))
    return result


def _facing_db(look: Texture, ascending: bool) -> Float:
    """Brightening of slopes that face the radar: it looks east ascending, west descending."""
    rise_along_look = look.east_slope if ascending else -look.east_slope
    # Ground that rises along the look is met more steeply: 38 degrees on the flat, less the slope.
    incidence = math.radians(38.0) - np.arctan(rise_along_look)
    share = np.clip(np.cos(incidence) / math.cos(math.radians(38.0)), 0.25, 4.0)
    return (20.0 * np.log10(share)).astype(np.float32)
