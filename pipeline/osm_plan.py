"""What a build of OSM land use would ask for: counted over the tiles themselves, without asking for anything."""

from dataclasses import dataclass
from typing import Final

from pipeline.built_tiles import BuiltTiles
from pipeline.osm_lattice import plan_windows
from pipeline.osm_recipe import OsmRecipe
from pipeline.quantities import duration, size
from pipeline.sources.wms_settings import WmsSettings

QUESTIONS: Final = 2
"""Asked before the first map: capabilities and legend."""

STORED_BYTES_PX: Final = 13 * 2 + 2 * 4 + 3
"""Of one pixel in a store before compression: Sentinel-2, Sentinel-1, two labels and the mask."""


@dataclass(frozen=True)
class OsmEstimate:
    """What a build would ask for."""

    tiles: int
    requests: int
    """Maps, capabilities and legend; 0 where land use comes from rasters on disk."""
    map_pixels: int
    """Pixels of all maps."""
    at_least_s: float
    """Seconds that the requests take at the rate that the recipe allows, however fast the answers are."""
    store_bytes: int
    """Of all tiles before compression; those that the check drops are not stored."""


def estimate_osm(recipe: OsmRecipe, tiles: BuiltTiles) -> OsmEstimate:
    """Count the maps that the tiles need, were none of them there already."""
    labels = recipe.labels
    pixels = sum(tile.grid.width_px * tile.grid.height_px for tile in tiles.tiles)
    if not isinstance(labels, WmsSettings):
        return OsmEstimate(len(tiles.tiles), 0, 0, 0.0, pixels * STORED_BYTES_PX)
    maps = [
        placed.window
        for tile in tiles.tiles
        for placed in plan_windows(tile.grid, labels.crs, labels.oversampling, labels.max_px)
    ]
    requests = len(maps) + QUESTIONS
    return OsmEstimate(
        tiles=len(tiles.tiles),
        requests=requests,
        map_pixels=sum(window.width_px * window.height_px for window in maps),
        at_least_s=requests / labels.per_second,
        store_bytes=pixels * STORED_BYTES_PX,
    )


def osm_plan_lines(found: OsmEstimate, recipe: OsmRecipe) -> list[str]:
    """The estimate as text."""
    lines = [f"Tiles       {found.tiles} of {recipe.tiles}"]
    if found.requests:
        rate = recipe.labels.per_second if isinstance(recipe.labels, WmsSettings) else 0.0
        lines += [
            f"Maps        {found.requests - QUESTIONS} of {found.map_pixels / 1e6:.0f} million pixels, asked for once",
            f"Time        at least {duration(found.at_least_s)} at {rate:g} requests a second (labels.per_second)",
        ]
    else:
        lines.append("Maps        none: land use is read from rasters on disk")
    return [*lines, f"Stores      {size(found.store_bytes)} at most, before compression"]
