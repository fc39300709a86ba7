"""The map of places: land, graticule and one mark a place, in plate carrée (x = longitude, y = -latitude)."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Final, Protocol
from xml.etree import ElementTree as ET

from markupsafe import Markup

from pipeline.report import svg
from pipeline.report.fates import KEPT, details, fates
from pipeline.report.gather import RunRecord
from pipeline.report.label_counts import evenly_spaced
from pipeline.report.words import position

NORTH_DEG: Final = 84.0
SOUTH_DEG: Final = -60.0
MOST_MARKS: Final = 4000
"""More marks than this are thinned evenly, a kind at a time; those of places with pictures stay."""

SHAPES: Final = (
    "M0-2.6A2.6 2.6 0 1 0 0 2.6A2.6 2.6 0 1 0 0-2.6Z",
    "M-2.4-2.4H2.4V2.4H-2.4Z",
    "M0-3.1L2.9 2.2H-2.9Z",
    "M0-3.4L3 0L0 3.4L-3 0Z",
    "M-2.6-1.2L-1.2-2.6L0-1.4L1.2-2.6L2.6-1.2L1.4 0L2.6 1.2L1.2 2.6L0 1.4L-1.2 2.6L-2.6 1.2L-1.4 0Z",
    "M0 3.1L2.9-2.2H-2.9Z",
    "M-3-1H-1V-3H1V-1H3V1H1V3H-1V1H-3Z",
    "M-3.2-1.3H3.2V1.3H-3.2Z",
)
"""One outline a kind, in pixels around the place: circle, square, triangle, diamond, cross, ..."""


class Placed(Protocol):
    """A location, or a tile, that can be drawn."""

    @property
    def location_id(self) -> str:
        """Its id."""
        ...

    @property
    def lon_deg(self) -> float:
        """Of its middle."""
        ...

    @property
    def lat_deg(self) -> float:
        """Of its middle."""
        ...


@dataclass(frozen=True)
class Mark:
    """One kind of mark: the kept locations, or those dropped for one reason."""

    kind: str
    count: int
    style: int
    """Number of its colour and shape."""
    shape: str


@dataclass(frozen=True)
class WorldMap:
    """The map and its legend."""

    drawing: Markup
    marks: tuple[Mark, ...]
    drawn: int
    """Marks drawn, fewer than the locations where the map would be too full."""
    splits: tuple[tuple[str, int], ...]
    """(split, places in it); empty where there is but one."""


@dataclass(frozen=True)
class PlaceNotes:
    """What else is told of places, by id."""

    previewed: frozenset[str] = frozenset()
    """Those whose pictures are on the page."""
    detail: Mapping[str, str] = field(default_factory=dict)
    split: Mapping[str, str] = field(default_factory=dict)


def world_map(run: RunRecord, previewed: Sequence[str]) -> WorldMap:
    """Draw the locations of a run; marks of the `previewed` ones lead to their pictures."""
    notes = PlaceNotes(frozenset(previewed), details(run))
    return place_map(run.locations, fates(run), [KEPT], notes, "Map of the sampled locations")


def place_map(
    places: Sequence[Placed], fate: Mapping[str, str], first: Sequence[str], notes: PlaceNotes, title: str
) -> WorldMap:
    """Draw places by what became of them, `fate` by id: the kinds named `first`, then the commonest."""
    counts = Counter(fate.values())
    kinds = [*first, *sorted((k for k in counts if k not in first), key=lambda k: (-counts[k], k))]
    marks = tuple(
        Mark(kind, counts[kind], style, SHAPES[style])
        for style, kind in ((min(place, len(SHAPES) - 1), kind) for place, kind in enumerate(kinds))
    )
    description = "; ".join(f"{mark.count} {mark.kind}" for mark in marks)
    root = svg.drawing(360, NORTH_DEG - SOUTH_DEG, title=title, description=description, css="worldmap")
    root.set("viewBox", f"-180 {-NORTH_DEG:g} 360 {NORTH_DEG - SOUTH_DEG:g}")
    root.set("id", "map")
    root.set("tabindex", "0")
    _graticule(root)
    svg.add(root, "path", css="land", d=_land())
    svg.add(root, "g", id="finer-grid")
    share = min(1.0, MOST_MARKS / max(len(fate), 1))
    drawn = 0
    for number, mark in reversed(list(enumerate(marks))):
        alike = [place for place in places if fate[place.location_id] == mark.kind]
        kept = set(evenly_spaced(len(alike), max(1, round(share * len(alike)))))
        kept |= {at for at, place in enumerate(alike) if place.location_id in notes.previewed}
        drawn += len(kept)
        layer = svg.add(root, "g", css=f"marks mark-{mark.style}", data_kind=number)
        _draw(layer, mark, [alike[i] for i in sorted(kept)], notes)
    splits = Counter(notes.split[p.location_id] for p in places if notes.split.get(p.location_id))
    return WorldMap(svg.markup(root), marks, drawn, tuple(sorted(splits.items())) if len(splits) > 1 else ())


def _draw(layer: ET.Element, mark: Mark, places: Sequence[Placed], notes: PlaceNotes) -> None:
    for place in places:
        at = f"translate({svg.number(place.lon_deg)}px,{svg.number(-place.lat_deg)}px) scale(var(--k))"
        point = svg.add(layer, "path", d=mark.shape, style=f"transform:{at}", data_id=place.location_id)
        if place.location_id in notes.previewed:
            point.set("data-sample", "")
        for name, said in (("data-detail", notes.detail), ("data-split", notes.split)):
            if said.get(place.location_id):
                point.set(name, said[place.location_id])
        where = f"{place.location_id}: {position(place.lat_deg, place.lon_deg)} — {mark.kind}"
        svg.add(point, "title", where)


def _graticule(root: ET.Element) -> None:
    meridians = "".join(f"M{lon} {-NORTH_DEG:g}V{-SOUTH_DEG:g}" for lon in range(-150, 180, 30))
    parallels = "".join(f"M-180 {-lat}H180" for lat in (60, 30, -30))
    svg.add(root, "path", css="graticule", d=meridians + parallels)
    svg.add(root, "path", css="equator", d="M-180 0H180")


@cache
def _land() -> str:
    """Land without Antarctica as path data: Natural Earth 1:110 m (public domain), to a tenth of a degree."""
    shape = json.loads(files("pipeline.report").joinpath("land.json").read_text())
    return "".join(_ring(ring) for polygon in shape["coordinates"] for ring in polygon)


def _ring(points: Sequence[Sequence[float]]) -> str:
    whole = [(round(x * 10), round(-y * 10)) for x, y in points[:-1]]
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(whole)]
    tail = "".join(f"{svg.number(dx / 10)},{svg.number(dy / 10)} " for dx, dy in steps)
    return f"M{svg.number(whole[0][0] / 10)},{svg.number(whole[0][1] / 10)}l{tail.strip()}z"
