"""A sample as the browser of samples shows it: the same of a location over its seasons and of a tile."""

from dataclasses import dataclass
from typing import Final

from pipeline.report.gather import IndexRow
from pipeline.report.layers import Layer
from pipeline.report.words import percent

SHOWN: Final = 12
"""Samples on a page unless more are asked for. A location with its truth takes about 0.4 MB."""

MOST: Final = 100
"""Samples that can be asked for: about 40 MB, which a browser opens slowly."""


@dataclass(frozen=True)
class SeasonView:
    """One season of a sample, or the one time of a tile."""

    name: str
    """For example 'Season 1'; empty where there is but one."""
    day: str
    """Of the Sentinel-2 scene; empty where it is not known."""
    scenes: tuple[tuple[str, str], ...]
    """(what, which scene or how much)."""


@dataclass(frozen=True)
class SampleView:
    """One location or tile of the browser."""

    location_id: str
    side_px: int
    """Of the stored arrays; the pictures may be smaller."""
    facts: tuple[str, ...]
    seasons: tuple[SeasonView, ...]
    layers: tuple[Layer, ...]
    """Each with a picture a season."""


def season_view(name: str, entry: IndexRow | None) -> SeasonView:
    """A season with its scenes, as the index has them."""
    if entry is None:
        return SeasonView(name, "", ())
    scenes = []
    if entry.s2_id:
        cloud = "" if entry.cloud_pct is None else f", {entry.cloud_pct:.1f} % cloud"
        scenes.append((f"S2{cloud}", entry.s2_id.rpartition("/")[2]))
    if entry.s1_id:
        day = "" if entry.s1_datetime is None else f", {entry.s1_datetime:%-d %b %Y}"
        scenes.append((f"S1{day}", entry.s1_id.rpartition("/")[2]))
    if entry.label_valid_frac is not None:
        scenes.append(("Labelled", percent(entry.label_valid_frac)))
    return SeasonView(name, f"{entry.s2_datetime:%-d %b %Y}" if entry.s2_datetime else "", tuple(scenes))
