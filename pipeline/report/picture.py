"""Arrays of the store as small pictures, inlined in the page as data URIs."""

import base64
import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.schema.bands import S1_SCALING, S2_BANDS, S2_BANDS_9, S2_SCALING, Scaling
from pipeline.schema.landcover import DW_CLASSES, IGNORE, LandCoverClass

SIDE_PX: Final = 264
"""Larger arrays are reduced to this many pixels a side."""

TRUE_COLOUR: Final = ("B4", "B3", "B2")
INFRARED: Final = ("B8", "B4", "B3")
GAMMA: Final = 1.25
MIN_SPAN_DN: Final = 500.0
"""Least range of digital numbers that is stretched to full contrast, so that a flat scene stays flat."""

REFLECTANCE: Final = Scaling(S2_BANDS, (5000.0,) * len(S2_BANDS), (2500.0,) * len(S2_BANDS), source="given")
"""0 to 10,000: snow and clouds of raw images keep their colour, which a pretraining store's own scaling cuts off."""

RATIO_DB: Final = (0.0, 14.0)
"""Range of VV - VH that is stretched to full contrast, dB."""

NO_LABEL_RGB: Final = (128, 128, 128)
RIGHT_RGB: Final = (226, 226, 222)
WRONG_RGB: Final = (190, 24, 60)

WEIGHT_RAMP: Final = ("#0d0887", "#5c01a6", "#9c179e", "#cc4778", "#ed7953", "#fdb42f", "#f0f921")
"""Colours of a weight from 0 to 1: matplotlib's plasma, which rises evenly in lightness."""


def true_colour(s2_SBHW: NDArray[np.uint8], scaling: Scaling = S2_SCALING) -> list[str]:
    """One picture a season of scaled (seasons, 13 or 9, height, width) Sentinel-2, in one stretch for all.

    Each band starts from its own 1st percentile, which takes the atmosphere's blue veil off a top-of-atmosphere
    image (dark-object subtraction), and all share one span up to the 99th. Both are the median of the seasons' own:
    one season of snow or haze then leaves the others readable. The brightest that all three bands can store is white:
    the store cuts every band off elsewhere, and snow would be pink.
    """
    lit_S3HW = _without_veil(s2_SBHW, scaling, TRUE_COLOUR, white=_brightest(scaling, TRUE_COLOUR))
    span = max(float(np.median(np.percentile(lit_S3HW, 99, axis=(1, 2, 3)))), MIN_SPAN_DN)
    return _optical(lit_S3HW / span)


def infrared(s2_SBHW: NDArray[np.uint8], scaling: Scaling = S2_SCALING) -> list[str]:
    """As `true_colour`, in red B8, green B4 and blue B3, so that plants are red; each band has a span of its own."""
    lit_S3HW = _without_veil(s2_SBHW, scaling, INFRARED)
    span_3 = np.maximum(np.median(np.percentile(lit_S3HW, 99, axis=(2, 3)), axis=0), MIN_SPAN_DN)
    return _optical(lit_S3HW / span_3[:, None, None])


def false_colour(s1_S2HW: NDArray[np.uint8], scaling: Scaling = S1_SCALING) -> list[str]:
    """One picture a season of scaled (seasons, 2, height, width) Sentinel-1: red VV, green VH, blue VV - VH."""
    db = _unscaled(s1_S2HW, scaling, scaling.bands)
    ratio = np.clip((db[:, 0] - db[:, 1] - RATIO_DB[0]) / (RATIO_DB[1] - RATIO_DB[0]), 0.0, 1.0)
    unit = np.stack([s1_S2HW[:, 0] / 255.0, s1_S2HW[:, 1] / 255.0, ratio], axis=1)
    return [_webp(_to_bytes(rgb)) for rgb in unit]


def classes(label_HW: NDArray[np.uint8], legend: Sequence[LandCoverClass] = DW_CLASSES) -> str:
    """A land-cover map (height, width) in the legend's colours; grey where there is no label."""
    colours = {c.code: _rgb(c.colour) for c in legend}
    return _indexed(label_HW, [colours.get(code, NO_LABEL_RGB) for code in range(256)])


def errors(label_HW: NDArray[np.uint8], truth_HW: NDArray[np.uint8]) -> str:
    """Where the label differs from the truth, both (height, width): wrong red, right pale, unknown grey."""
    known = (label_HW != IGNORE) & (truth_HW != IGNORE)
    state = np.where(known, (label_HW != truth_HW).astype(np.uint8), np.uint8(2))
    return _indexed(state, [RIGHT_RGB, WRONG_RGB, NO_LABEL_RGB])


def weights(weight_HW: NDArray[np.floating]) -> str:
    """A weight (height, width) in 0..1, dark violet for 0 and bright yellow for 1."""
    stops = np.array([_rgb(colour) for colour in WEIGHT_RAMP], dtype=np.float64)
    at = np.linspace(0.0, 255.0, len(stops))
    ramp = np.stack([np.interp(np.arange(256), at, channel) for channel in stops.T], axis=1)
    level = np.rint(np.clip(np.nan_to_num(weight_HW.astype(np.float32)), 0.0, 1.0) * 255.0)
    return _indexed(level.astype(np.uint8), [tuple(int(v) for v in rgb) for rgb in np.rint(ramp)])


def _without_veil(
    s2_SBHW: NDArray[np.uint8], scaling: Scaling, bands: tuple[str, ...], white: float | None = None
) -> NDArray[np.float32]:
    """Digital numbers above each band's dark level, (seasons, 3, height, width).

    With `white`, a digital number, nothing is brighter, and what is so in all bands is so in equal parts.
    """
    names = S2_BANDS if s2_SBHW.shape[1] == len(S2_BANDS) else S2_BANDS_9
    raw_S3HW = _unscaled(s2_SBHW[:, [names.index(band) for band in bands]], scaling, bands)
    dark_3 = np.median(np.percentile(raw_S3HW, 1, axis=(2, 3)), axis=0)
    if white is None:
        return np.asarray(raw_S3HW - dark_3[:, None, None], dtype=np.float32)
    range_3 = np.maximum(white - dark_3, MIN_SPAN_DN)
    lit_S3HW = np.minimum(raw_S3HW - dark_3[:, None, None], range_3[:, None, None])
    return np.asarray(lit_S3HW * (range_3.mean() / range_3)[:, None, None], dtype=np.float32)


def _brightest(scaling: Scaling, bands: tuple[str, ...]) -> float:
    """The highest digital number that every one of the bands can store."""
    at = [scaling.bands.index(name) for name in bands]
    return min(scaling.mean[i] + scaling.clip_std * scaling.std[i] for i in at)


def _optical(unit_S3HW: NDArray[np.floating]) -> list[str]:
    return [_webp(_to_bytes(rgb)) for rgb in np.clip(unit_S3HW, 0.0, 1.0) ** (1 / GAMMA)]


def _unscaled(scaled_SBHW: NDArray[np.uint8], scaling: Scaling, names: tuple[str, ...]) -> NDArray[np.float32]:
    chosen = [scaling.bands.index(name) for name in names]
    mean, std = np.array(scaling.mean)[chosen], np.array(scaling.std)[chosen]
    low, span = mean - scaling.clip_std * std, 2 * scaling.clip_std * std
    raw = low[:, None, None] + scaled_SBHW / 255.0 * span[:, None, None]
    return np.asarray(raw, dtype=np.float32)


def _to_bytes(unit_3HW: NDArray[np.floating]) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = np.rint(np.moveaxis(unit_3HW, 0, -1) * 255.0).astype(np.uint8)
    return levels


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.removeprefix("#")))


def _webp(rgb_HW3: NDArray[np.uint8]) -> str:
    picture = Image.fromarray(np.ascontiguousarray(rgb_HW3))
    picture.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    return _uri(picture, "webp", quality=72, method=4)


def _indexed(code_HW: NDArray[np.uint8], palette: list[tuple[int, ...]]) -> str:
    picture = Image.fromarray(np.ascontiguousarray(code_HW))
    picture.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.NEAREST)
    picture.putpalette([channel for rgb in palette for channel in rgb])
    return _uri(picture, "png", optimize=True)


def _uri(picture: Image.Image, kind: str, **options: int | bool) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
