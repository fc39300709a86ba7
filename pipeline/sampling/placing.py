"""From draws to locations: one after the other, wherever there is room."""

from collections.abc import Callable, Iterable

from pipeline.sampling.neighbourhood import Neighbourhood
from pipeline.schema.grid import PixelGrid, patch_grid
from pipeline.schema.records import ID_DIGITS, Location

LAT_RANGE_DEG = (-56.0, 83.0)
"""Latitudes that Sentinel-2 images regularly (Sentinel-2 user guide, revisit and coverage)."""

MAX_REJECTED = 100_000
"""So many draws in a row without room mean that there is none left."""

Draw = tuple[float, float] | None
"""(lon, lat) in degrees; None for a draw that fell outside of what was asked for."""


def take(draws: Iterable[Draw], count: int, inside: Callable[[PixelGrid], bool] | None = None) -> list[Location]:
    """Take the first `count` draws whose patches overlap no earlier one and are `inside`; ids are numbered from 0.

    Fewer come back where MAX_REJECTED draws in a row found no room. A smaller count gives a prefix of a larger one.
    """
    ground = Neighbourhood()
    taken: list[Location] = []
    rejected = 0
    for draw in draws:
        grid = None if draw is None else _patch(draw)
        if draw is None or grid is None or (inside and not inside(grid)) or not ground.add_if_free(*draw, grid):
            rejected += 1
            if rejected == MAX_REJECTED:
                break
            continue
        taken.append(Location(numbered(len(taken)), *draw, grid))
        rejected = 0
        if len(taken) == count:
            break
    return taken


def numbered(index: int) -> str:
    """The id of the location at an index, in seven digits as SSL4EO-S12 has it."""
    return f"{index:0{ID_DIGITS}d}"


def _patch(draw: tuple[float, float]) -> PixelGrid | None:
    """The patch around a point, or None where Sentinel-2 does not look."""
    return patch_grid(*draw) if LAT_RANGE_DEG[0] <= draw[1] <= LAT_RANGE_DEG[1] else None
