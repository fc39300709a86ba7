"""Small pictures of the pixels that a build staged last."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.files import is_local
from pipeline.live.newest import Staged, newest_staged
from pipeline.report import picture
from pipeline.schema.bands import S1_SCALING
from pipeline.schema.errors import NoldoError
from pipeline.schema.layout import RunLayout
from pipeline.staging import read_tiles
from pipeline.tile_arrays import LEGENDS
from pipeline.tile_staging import read_staged

SHOWN: Final = 4

STEP: Final = 2
"""Of so many pixels one is shown, along rows and columns."""

CAPTIONS: Final = {"dw": "Dynamic World", "osm": "OSM land use", "dfc": "DFC2020 labels"}


@dataclass(frozen=True)
class Shot:
    """One picture."""

    name: str
    uri: str
    """As a data URI."""


@dataclass(frozen=True)
class Preview:
    """The newest season of a location, or a tile."""

    name: str
    season: str
    """The anchor of the season, for example 2021-12-21; empty where there are no seasons."""
    staged_s: float
    """When it was staged, seconds since 1970."""
    shots: tuple[Shot, ...]


class Previews:
    """What a run staged last; each is read and made into pictures once."""

    def __init__(self, run: RunLayout, recipe: Mapping[str, Any]) -> None:
        """`recipe` is the run's, as plain data."""
        self._folder = run.tile(0).parent
        self._season, self._anchor = _newest_season(recipe)
        self._shown: dict[Staged, Preview] = {}

    def latest(self, to_make: int = SHOWN) -> tuple[Preview, ...]:
        """At most SHOWN, the newest first; none in object storage, where each would be megabytes to fetch.

        At most `to_make` of them are made now. What cannot be read is passed over. What was shown stays, freed or
        not, until something newer is there.
        """
        if not is_local(self._folder):
            return ()
        found = dict(self._shown)
        for staged in [staged for staged in newest_staged(self._folder, SHOWN) if staged not in found][:to_make]:
            preview = self._made(staged)
            if preview is not None:
                found[staged] = preview
        self._shown = {staged: found[staged] for staged in sorted(found, reverse=True)[:SHOWN]}
        return tuple(self._shown.values())

    def _made(self, staged: Staged) -> Preview | None:
        try:
            if staged.row is None:
                return Preview(staged.path.stem, "", staged.at_s, _shots(read_staged(staged.path)))
            (patch,) = read_tiles(staged.path, [staged.row])
            season = min(self._season, len(patch.dw) - 1)
            pixels = {"s2": patch.s2[season], "s1": patch.s1[season], "dw": patch.dw[season]}
            return Preview(patch.location_id, self._anchor, staged.at_s, _shots(pixels))
        except (NoldoError, OSError, ValueError):  # damaged, or gone by now: the build itself tells of it
            return None


def _newest_season(recipe: Mapping[str, Any]) -> tuple[int, str]:
    """Number and anchor of the newest season; of a recipe that names none, the first."""
    anchors = [str(anchor) for anchor in (recipe.get("seasons") or {}).get("anchors", ())]
    if not anchors:
        return 0, ""
    number = max(range(len(anchors)), key=lambda at: date.fromisoformat(anchors[at]))
    return number, anchors[number]


def _shots(pixels: Mapping[str, NDArray[Any]]) -> tuple[Shot, ...]:
    """Pictures of the arrays of one season or tile, images (bands, height, width) and labels (height, width), raw."""
    few = {name: np.ascontiguousarray(array[..., ::STEP, ::STEP]) for name, array in pixels.items()}
    shots = []
    if "s2" in few:
        scaled = picture.REFLECTANCE.to_uint8(few["s2"])[None]
        shots += [Shot("Sentinel-2", uri) for uri in picture.true_colour(scaled, picture.REFLECTANCE)]
    if "s1" in few:
        shots += [Shot("Sentinel-1", uri) for uri in picture.false_colour(S1_SCALING.to_uint8(few["s1"])[None])]
    for name in (name for name in LEGENDS if name in few):
        shots.append(Shot(CAPTIONS[name], picture.classes(few[name].astype(np.uint8), LEGENDS[name])))
    return tuple(shots)
