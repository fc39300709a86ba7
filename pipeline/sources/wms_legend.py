"""A map service's legend: which colour means which class of OSM land use."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.schema.errors import UsageError
from pipeline.schema.landcover import IGNORE, OSM_CLASSES
from pipeline.sources.retry import BrokenAnswerError

BLENDED: Final = 254
"""A map pixel between two areas, whose colour is none of the legend's: it has no say."""

SWATCH_PX: Final = 6
"""The smallest field of one colour in a legend's picture that is a swatch and not part of a letter, pixels."""

SAME_COLOUR: Final = 6.0
"""Colours of a legend's picture this near to a class's own are the same, Euclidean, in 0..255."""

OPAQUE: Final = 250
"""Opacity 0..255 from which a map pixel's colour is that of what is mapped there, and not a blend with nothing."""

NO_LABEL: Final = 0

_NAMES: Final = {
    "wetlands": 12, "forest": 5, "water": 7, "pasture": 9, "urban": 1,
    "industrial commercial and transport": 2, "mine dump and construction": 6,
}  # fmt: skip
"""Shorter names in use for the same classes."""

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Legend:
    """The colours of a map and what they mean."""

    entries: tuple[tuple[Colour, int], ...]
    """(red, green, blue in 0..255; class 1..13, or 0 for no label), every class at least once."""

    def codes(self, image_HW4: NDArray[np.uint8], distance: float) -> NDArray[np.uint8]:
        """The class of every pixel of a map, (height, width): 1..13, IGNORE where nothing is mapped, or BLENDED.

        `image_HW4` is red, green, blue and opacity in 0..255. A pixel takes the nearest colour's class if that is at
        most `distance` away. White that is no colour of the legend is paper, where a service draws no transparency.
        """
        flat = image_HW4.reshape(-1, 4).astype(np.uint32)
        packed = flat[:, 0] << 24 | flat[:, 1] << 16 | flat[:, 2] << 8 | flat[:, 3]
        seen, inverse = np.unique(packed, return_inverse=True)
        red, green, blue, opacity = ((seen >> shift & 255).astype(np.float32) for shift in (24, 16, 8, 0))
        rgb = np.stack([red, green, blue], axis=1)
        colours = np.array([colour for colour, _ in self.entries], dtype=np.float32)
        meaning = np.array([IGNORE if code == NO_LABEL else code for _, code in self.entries], dtype=np.uint8)
        away = np.linalg.norm(rgb[:, None, :] - colours[None, :, :], axis=2)
        nearest = away.argmin(axis=1)
        code = np.where(away.min(axis=1) <= distance, meaning[nearest], BLENDED)
        code = np.where((code == BLENDED) & (rgb == 255).all(axis=1), IGNORE, code)
        code = np.where(opacity >= OPAQUE, code, np.where(opacity == 0, IGNORE, BLENDED))
        return code.astype(np.uint8)[inverse].reshape(image_HW4.shape[:2])


def legend_of_json(body: bytes, classes: Mapping[str, int], where: str) -> Legend:
    """The legend of a GeoServer answer in JSON (GeoServer manual, GetLegendGraphic, 'JSON Output Format').

    Classes go by name. Raises UsageError for a name that neither osmlanduse.org nor `classes` knows, BrokenAnswerError
    for half a document.
    """
    known = {_plain(entry.name): entry.code for entry in OSM_CLASSES} | _NAMES
    known |= {_plain(name): code for name, code in classes.items() if not name.startswith("#")}
    entries = []
    try:
        document = json.loads(body)
    except ValueError as error:
        raise BrokenAnswerError(f"{where}: the legend of {len(body)} bytes is not whole JSON") from error
    try:
        named = list(_named_colours(document))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{where}: the legend is not the JSON of a GeoServer ({type(error).__name__})") from error
    for name, colour in named:
        if _plain(name) not in known:
            raise UsageError(
                f"{where}: the legend has '{name}', which is none of the 13 classes; say what it means under 'classes'"
            )
        entries.append((colour, known[_plain(name)]))
    return _checked(entries, where)


def legend_of_picture(image_HW4: NDArray[np.uint8], classes: Mapping[str, int], where: str) -> Legend:
    """The legend of a picture with a swatch a class and its name beside it; classes go by colour.

    Raises UsageError for a swatch whose colour neither osmlanduse.org nor `classes` knows.
    """
    known = {_rgb(entry.colour): entry.code for entry in OSM_CLASSES}
    known |= {_rgb(name): code for name, code in classes.items() if name.startswith("#")}
    entries = []
    for colour in _swatches(image_HW4):
        near = min(known, key=lambda other: _apart(colour, other))
        if _apart(colour, near) > SAME_COLOUR:
            raise UsageError(
                f"{where}: the legend has the colour {_hex(colour)}, which is none of the 13 classes; "
                "say what it means under 'classes'"
            )
        entries.append((colour, known[near]))
    return _checked(entries, where)


def check_apart(legend: Legend, distance: float, where: str) -> None:
    """Refuse (UsageError) a distance at which a pixel may be near to the colours of two classes."""
    entries = legend.entries
    pairs = [(_apart(a, b), a, b) for i, (a, m) in enumerate(entries) for b, n in entries[i + 1 :] if m != n]
    least, a, b = min(pairs)
    if distance >= least / 2:
        raise UsageError(
            f"{where}: the legend's colours {_hex(a)} and {_hex(b)} are {least:.1f} apart, so a colour_distance of "
            f"{distance:g} cannot tell them; take less than {least / 2:.1f}"
        )


def _checked(entries: list[tuple[Colour, int]], where: str) -> Legend:
    meaning: dict[Colour, int] = {}
    for colour, code in entries:
        if meaning.setdefault(colour, code) != code:
            raise UsageError(
                f"{where}: the legend has {_hex(colour)} for two classes, {meaning[colour]} and {code}; "
                "take another style"
            )
    missing = [f"{entry.code} ({entry.name})" for entry in OSM_CLASSES if entry.code not in meaning.values()]
    if missing:
        raise UsageError(f"{where}: the legend has no colour for class {', '.join(missing)}; give the right layer")
    return Legend(tuple(sorted(meaning.items(), key=lambda item: (item[1], item[0]))))


def _named_colours(document: Any) -> Iterator[tuple[str, Colour]]:
    """Name and fill of every rule, or of every entry of a raster's colour map."""
    for layer in document["Legend"]:
        for rule in layer["rules"]:
            for symbol in rule["symbolizers"]:
                if "Polygon" in symbol:
                    yield str(rule.get("title") or rule["name"]), _rgb(symbol["Polygon"]["fill"])
                for entry in symbol.get("Raster", {}).get("colormap", {}).get("entries", ()):
                    yield str(entry["label"]), _rgb(entry["color"])


def _swatches(image_HW4: NDArray[np.uint8]) -> list[Colour]:
    """The colours of the fields of at least SWATCH_PX x SWATCH_PX pixels, from the top, without the background's."""
    wide = image_HW4.astype(np.int64)
    packed = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    packed = np.where(wide[..., 3] < OPAQUE, -1, packed)
    background = {-1, int(packed[-1, -1])}
    even = ndimage.minimum_filter(packed, SWATCH_PX) == ndimage.maximum_filter(packed, SWATCH_PX)
    colours, first = np.unique(packed[even], return_index=True)
    in_order = [int(colour) for _, colour in sorted(zip(first, colours, strict=True)) if int(colour) not in background]
    return [(colour >> 16, colour >> 8 & 255, colour & 255) for colour in in_order]


def _plain(name: str) -> str:
    """A name without its number, its punctuation and its capitals."""
    return re.sub("[^a-z]+", " ", name.casefold()).strip()


def _rgb(colour: str) -> Colour:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return (red, green, blue)


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _apart(a: Colour, b: Colour) -> float:
    return float(np.linalg.norm(np.subtract(a, b)))
