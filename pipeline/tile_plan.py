"""What a build from expert tiles would ask for, take and spend: an estimate before anything is asked of anyone."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pipeline.budget import S_PER_HOUR
from pipeline.fetch_tiles import plan_tile
from pipeline.pairing import SLOTS_A_TILE
from pipeline.plan import Assumptions, time_at_quota
from pipeline.schema.grid import PixelGrid
from pipeline.schema.tiles import ExpertTile, TilePair
from pipeline.sources.earthengine import MAX_SLOTS
from pipeline.tile_recipe import DwRecipe, ExpertSettings
from pipeline.tile_store import n_tile_shards

PUBLISHED_TILES: Final = 4_194 + 409
"""Training and hold-out tiles as published."""

PAIRED: Final = 3_914 / PUBLISHED_TILES
"""Share of them that could be paired (SSL4EO-S12@DW: 3,574 and 340)."""

SIDE_PX: Final = 510
"""Of nearly all tiles; the hold-out ones have 512."""

PAIR_BYTES: Final = 2_000
"""Answer to a scene query for one tile, measured on the emulator."""

ANSWER_HEADER_BYTES: Final = 384
"""What the NPY format puts before the pixels of one tile's 15 bands, measured."""

STORE_RATIO: Final = {"lz4": 0.68, "zstd": 0.60}
"""Store bytes to bytes of its arrays, measured on the emulator's pixels; by codec."""


@dataclass(frozen=True)
class TilePlan:
    """The estimate; every figure is for the whole build."""

    tiles: int
    counted: bool
    """Whether the files of the recipe's folders were counted; else the folders are not there, and it is as published.
    """
    parts: int
    paired: int
    scene_queries: int
    pixel_requests: int
    bytes_a_tile: int
    """Raw pixels of a tile, uncompressed as they come."""
    bytes_down: int
    hours: float
    """At the quota: by requests under way, by requests a second, or by the network, whichever is slowest."""
    bound_by: str
    eecu_hours: float
    months: int | None
    """Calendar months that the recipe's budget spreads the build over; None without a budget."""
    staging_bytes: int
    store_bytes: int
    shards: int


def estimate_tiles(recipe: DwRecipe, assumed: Assumptions) -> TilePlan:
    """What `recipe` would take; counts the files of its folders where they are there, and reads none."""
    found = _count_files(recipe.experts)
    tiles = PUBLISHED_TILES if found is None else found
    parts = math.ceil(tiles / recipe.part_tiles)
    paired = round(tiles * assumed.survive)
    queries = parts * math.ceil(recipe.part_tiles * SLOTS_A_TILE / MAX_SLOTS)
    a_tile = plan_tile(*_a_tile(), recipe.fetch).uncompressed_bytes
    down = paired * (a_tile + ANSWER_HEADER_BYTES) + tiles * PAIR_BYTES
    hours, bound_by = time_at_quota(recipe.source.pace, queries + paired, down, assumed)
    spent_s = queries * recipe.budget.cost_s("pair") + paired * recipe.budget.cost_s("fetch")
    limit = recipe.budget.eecu_hours
    kept = paired * (a_tile + SIDE_PX**2)  # with the labels
    return TilePlan(
        tiles=tiles,
        counted=found is not None,
        parts=parts,
        paired=paired,
        scene_queries=queries,
        pixel_requests=paired,
        bytes_a_tile=a_tile,
        bytes_down=down,
        hours=hours,
        bound_by=bound_by,
        eecu_hours=spent_s / S_PER_HOUR,
        months=None if limit is None else max(math.ceil(spent_s / S_PER_HOUR / limit), 1),
        staging_bytes=kept,
        store_bytes=round((kept + paired * SIDE_PX**2) * STORE_RATIO[recipe.store.codec]),
        shards=n_tile_shards(paired, recipe.store),
    )


def _count_files(settings: ExpertSettings) -> int | None:
    """GeoTIFFs in the recipe's folders, or None where one of them is not there."""
    folders = [folder for folder, _ in settings.folders()]
    if not all(folder.is_dir() for folder in folders):
        return None
    return sum(1 for folder in folders for path in folder.rglob("*") if path.suffix.lower() in (".tif", ".tiff"))


def _a_tile() -> tuple[ExpertTile, TilePair]:
    """Any tile: nearly all are of one size, so that they ask for the same number of bytes."""
    grid = PixelGrid(32633, 500_000.0, 5_000_000.0, SIDE_PX, SIDE_PX)
    tile = ExpertTile("any", "train", datetime(2019, 1, 1, tzinfo=UTC), grid, "", "", "", "", (), 0)
    return tile, TilePair("any", s2_id="scene", s1_id="scene")
