"""What Sentinel-2 sees: 13 bands of L1C digital numbers on their native pixels."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from pipeline.emulator.clouds import Sky
from pipeline.emulator.noise import NORMAL, Float, drawn, key, normal
from pipeline.emulator.signatures import BANDS, FACTORS, signatures
from pipeline.emulator.texture import Texture
from pipeline.emulator.truth import Ground
from pipeline.emulator.view import View, block_mean, pixel_bits, spread_point, states
from pipeline.schema.grid import PixelGrid

CLOUD_DN: Final = {
    "B1": 4700.0, "B2": 4600.0, "B3": 4450.0, "B4": 4600.0, "B5": 4700.0, "B6": 4900.0, "B7": 5000.0, "B8": 4950.0,
    "B8A": 5100.0, "B9": 2000.0, "B10": 190.0, "B11": 3300.0, "B12": 2500.0,
}  # fmt: skip
"""Digital numbers of thick low cloud, close to those of the snow and cloud rows of the real pixels."""

HAZE_DN: Final = {
    "B1": 260.0, "B2": 200.0, "B3": 130.0, "B4": 85.0, "B5": 65.0, "B6": 45.0, "B7": 35.0, "B8": 30.0, "B8A": 25.0,
    "B9": 10.0, "B10": 0.0, "B11": 10.0, "B12": 5.0,
}  # fmt: skip
"""Path radiance that one unit of haze adds, falling with wavelength as aerosol does."""

PATH_DN: Final = {"B1": 950.0, "B2": 700.0, "B3": 420.0, "B4": 240.0, "B5": 200.0}
"""The part of a band that comes from the air and so from no slope."""

SHADOW_LOSS: Final = 0.62
SOURCE: Final = {"B1": "B2", "B9": "B8A", "B10": "B2"}
"""Bands without figures of their own follow another."""


def render(
    land: Ground, look: Texture, view: View, sky: Sky, bands: Sequence[str], window: PixelGrid
) -> dict[str, Float]:
    """Digital numbers of bands that share one native pixel size.

    `land` and `look` cover the window at 10 m and one pixel more on every side; `window` is on the bands' own grid.
    Returns (height, width) whole numbers of 1 and more for each band.
    """
    factor = round(window.pixel_m / land.frame.grid.pixel_m)
    state = states(land, view).ravel()
    figures = signatures()
    mean = figures.on_day(figures.optical, view.angle, view.southern, view.seasonality)
    light = _light(land, look, view)
    haze = _haze(land, view)
    opacity, shadow = land.frame.lift(sky.opacity), land.frame.lift(sky.shadow)
    cloudy = bool(opacity.max() > 0 or shadow.max() > 0)
    shape = land.cover.shape
    result = {}
    for band in bands:
        source = BANDS.index(SOURCE.get(band, band))
        ground = mean[:, source].take(state).reshape(shape)
        for factor_number in range(FACTORS):
            weights = figures.factors[factor_number, :, source].astype(np.float32)
            ground += weights.take(state).reshape(shape) * look.optical[factor_number]
        path = np.float32(PATH_DN.get(BANDS[source], 120.0))
        ground = path + (np.maximum(ground, path * np.float32(0.8)) - path) * light
        ground = _derived(band, ground, land) + np.float32(HAZE_DN[band]) * haze
        if cloudy:
            ground = ground - (ground - np.float32(0.8 * path)) * (np.float32(SHADOW_LOSS) * shadow)
            bright = np.float32(CLOUD_DN[band]) * (np.float32(0.7) + np.float32(0.4) * opacity)
            ground = ground + opacity * (bright - ground)
        seen = block_mean(spread_point(ground), factor)
        rest = figures.rest[:, source].astype(np.float32).take(state).reshape(shape)
        rest = block_mean(np.ascontiguousarray(rest[1:-1, 1:-1]), factor)
        bits = pixel_bits(key(view.key, "sensor", band), window)
        noise = (np.float32(0.8) * rest + np.float32(6.0)) * drawn(bits, NORMAL, 0)
        if band in ("B9", "B10"):
            noise = noise * np.float32(0.3)
        result[band] = np.maximum(np.rint(seen + noise), np.float32(1.0))
    return result


def _derived(band: str, source: Float, land: Ground) -> Float:
    """B1, B9 and B10 from the band they follow."""
    air = signatures().atmosphere
    if band == "B1":
        return np.float32(air["b1_slope"]) * source + np.float32(air["b1_offset"])
    if band == "B9":
        damp = land.frame.lift(np.clip(0.35 + 0.55 * land.climate.humidity, 0.0, 1.0))
        ratio = air["b9_ratio_dry"] + (air["b9_ratio_humid"] - air["b9_ratio_dry"]) * damp
        return source * ratio.astype(np.float32)
    if band == "B10":
        return np.full_like(source, air["b10"])
    return source


def _light(land: Ground, look: Texture, view: View) -> Float:
    """Illumination of slopes, 0.55 to 1.45, 1 on the flat; L1C reflectance already allows for the sun's height."""
    slant = math.tan(math.radians(min(view.sun.zenith_deg, 72.0)))
    azimuth = math.radians(view.sun.azimuth_deg)
    toward = look.east_slope * math.sin(azimuth) + look.north_slope * math.cos(azimuth)
    return land.frame.lift(np.clip(1.0 - slant * toward, 0.55, 1.45).astype(np.float32))


def _haze(land: Ground, view: View) -> Float:
    """Haze over a scene, about -0.5 to 2; 0 is the haze of the real pixels' median."""
    level = min(max(0.5 * normal(key(view.key, "haze")), -0.6), 1.8)
    drift = land.frame.slow(key(view.key, "haze-drift"), (22_000.0, 7_000.0))
    return land.frame.lift(np.float32(level) + np.float32(0.18) * drift)
