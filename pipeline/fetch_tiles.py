"""A tile's pixels in its own grid: one request planned without I/O, what arrives checked, and whether it is enough."""

import math
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.checks.arrival import S1_RANGE_DB
from pipeline.schema.bands import S1_BANDS, S1_NODATA, S2_BANDS, S2_NODATA
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.observed import s1_observed, s2_observed
from pipeline.schema.records import Arrays
from pipeline.schema.strict import Strict
from pipeline.schema.tiles import ExpertTile, FetchedTile, TilePair, TileRow
from pipeline.sources.protocol import LayerRequest, PixelRequest

IMAGE_TYPES: Final[Mapping[str, tuple[tuple[str, ...], type[np.generic]]]] = {
    "s2": (S2_BANDS, np.uint16),
    "s1": (S1_BANDS, np.float32),
}
"""Bands and type of each image."""


class FetchSettings(Strict):
    """How the pixels of paired tiles are fetched, and what they must be worth."""

    concurrency: int = Field(default=4, gt=0, le=40)
    """Tiles that a part has under way at once; what the whole build asks for at once is the source's pace."""
    optical_resampling: Literal["nearest", "bilinear"] = "bilinear"
    """Brings the 20 m and 60 m bands of Sentinel-2 to 10 m; those of 10 m lie on the pixels of most tiles already."""
    radar_resampling: Literal["nearest", "bilinear"] = "bilinear"
    """Brings Sentinel-1 to the tile's grid."""
    s2_min_valid_share: float = Field(default=0.99, ge=0, le=1)
    """Least share of a tile's pixels that Sentinel-2 observed; a scene's edge may cut a tile."""
    s1_min_valid_share: float = Field(default=0.99, ge=0, le=1)
    """Least share of a tile's pixels that Sentinel-1 observed."""
    max_failed_share: float = Field(default=0.0, ge=0, le=1)
    """Share of the tiles that may lastingly fail before a build stops; those within it are left out."""


def paired(tiles: Sequence[ExpertTile], pairs: Sequence[TilePair]) -> list[tuple[ExpertTile, TilePair]]:
    """The tiles whose two scenes are known, with them, in the order of the tiles."""
    known = {pair.tile_id: pair for pair in pairs if not pair.reason and pair.failure_kind is None}
    return [(tile, known[tile.tile_id]) for tile in tiles if tile.tile_id in known]


def plan_tile(tile: ExpertTile | TileRow, pair: TilePair, settings: FetchSettings) -> PixelRequest:
    """The one request for a tile's two images: 8.8 MB at 510 px. ValueError where the tile is not paired."""
    if pair.tile_id != tile.tile_id or pair.s2_id is None or pair.s1_id is None:
        raise ValueError(f"tile {tile.tile_id} is not paired: {pair}")
    optical = LayerRequest(pair.s2_id, S2_BANDS, _names("s2"), "uint16", settings.optical_resampling, S2_NODATA)
    radar = LayerRequest(pair.s1_id, S1_BANDS, _names("s1"), "float32", settings.radar_resampling, S1_NODATA)
    return PixelRequest(tile.tile_id, tile.grid, (optical, radar))


def to_images(tile: ExpertTile | TileRow, arrays: Arrays) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
    """Stack what arrived: s2 uint16 (13, height, width), s1 float32 (2, height, width).

    Raises SourceError (permanent) for a band that is missing or has another shape or type than planned, and for
    backscatter that cannot be in dB. S1 values that are not finite count as not observed.
    """
    s2, s1 = (_stack(tile, arrays, name) for name in IMAGE_TYPES)
    optical, radar = s2.astype(np.uint16, copy=False), s1.astype(np.float32, copy=False)
    radar[~np.isfinite(radar)] = S1_NODATA
    seen = radar[radar != S1_NODATA]
    low, high = S1_RANGE_DB
    if seen.size and not (seen.min() >= low and seen.max() <= high):
        raise _refused(
            tile, f"S1 backscatter (dB) runs from {seen.min()} to {seen.max()}, possible are {low} to {high}"
        )
    return optical, radar


def judge_tile(
    tile: ExpertTile, s2: NDArray[np.uint16], s1: NDArray[np.float32], settings: FetchSettings
) -> FetchedTile:
    """Whether a tile's pixels were observed well enough to stay, and why not."""
    s2_share, s1_share = float(s2_observed(s2).mean()), float(s1_observed(s1).mean())
    short = [
        (f"{sensor} nodata", f"valid share {math.floor(share * 1e4) / 1e4:.4f} < {least:g}")
        for sensor, share, least in (
            ("S2", s2_share, settings.s2_min_valid_share),
            ("S1", s1_share, settings.s1_min_valid_share),
        )
        if share < least
    ]
    reason, detail = short[0] if short else ("", "")
    return FetchedTile(tile.tile_id, not short, reason, detail, s2_share, s1_share)


def failed_tile(tile_id: str, error: SourceError) -> FetchedTile:
    """What is written down of a tile whose pixels did not arrive."""
    return FetchedTile(
        tile_id, kept=False, reason="", detail="", s2_valid_share=0.0, s1_valid_share=0.0,
        failure_kind=error.kind, failure_message=str(error),
    )  # fmt: skip


def _names(image: str) -> tuple[str, ...]:
    """What an image's bands are called in an answer."""
    return tuple(f"{image}_{band}" for band in IMAGE_TYPES[image][0])


def _stack(tile: ExpertTile | TileRow, arrays: Arrays, image: str) -> NDArray[np.generic]:
    shape, dtype = (tile.grid.height_px, tile.grid.width_px), np.dtype(IMAGE_TYPES[image][1])
    stacked: list[NDArray[np.generic]] = []
    for name in _names(image):
        array = arrays.get(name)
        if array is None:
            raise _refused(tile, f"band {name} did not arrive")
        if array.dtype != dtype or array.shape != shape:
            raise _refused(tile, f"band {name} arrived as {array.dtype} {array.shape}, expected {dtype} {shape}")
        stacked.append(array)
    return np.stack(stacked)


def _refused(tile: ExpertTile | TileRow, what: str) -> SourceError:
    return SourceError(FailureKind.PERMANENT, f"tile {tile.tile_id}: {what}")
