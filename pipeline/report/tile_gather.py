"""What the run directory of a downstream set holds, read into one frozen record; what is missing becomes a notice."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

import yaml

from pipeline.files import listed
from pipeline.manifest.made_from import Dropped
from pipeline.osm_state import OsmTables, read_osm_tables
from pipeline.parts import read_part
from pipeline.report.gather import IndexRow, or_notice, read_index, read_mapping
from pipeline.schema.emulated import is_emulated
from pipeline.schema.errors import NoldoError
from pipeline.schema.grid import PixelGrid, transformer
from pipeline.schema.layout import RunLayout
from pipeline.schema.osm_records import OsmLabelled

Record = TypeVar("Record")

KINDS: Final = ("dw", "osm")
"""Recipes whose runs hold tiles."""

IMPORTED: Final = "import-"
"""How the kinds of runs begin into which published tiles were imported."""


@dataclass(frozen=True)
class TileIndexRow(IndexRow):
    """One tile in a store, from manifest/index.parquet."""

    split: str = ""
    store: str = ""
    """Its path in the run directory."""
    geotransform: tuple[float, ...] = ()

    @property
    def store_name(self) -> str:
        """The store's name alone, for example dw_train."""
        return self.store.rpartition("/")[2].removesuffix(".zarr")


@dataclass(frozen=True)
class Spot:
    """Where one tile lies."""

    location_id: str
    lon_deg: float
    lat_deg: float


@dataclass(frozen=True)
class TileRun:
    """Everything the page of a downstream set is made of, but the pixels."""

    layout: RunLayout
    kind: str
    """'dw', 'osm', or another where it was imported."""
    recipe: Mapping[str, Any]
    provenance: Mapping[str, Any]
    statistics: Mapping[str, Any]
    """manifest/statistics.json as it stands: a store's figures by its name."""
    locations: tuple[Spot, ...]
    """Every tile whose place is known."""
    index: tuple[TileIndexRow, ...]
    dropped: tuple[Dropped, ...]
    dropped_known: bool
    """Whether the manifest has a list of them that can be read."""
    osm: OsmTables | None
    """Of an OSM run."""
    notices: tuple[str, ...]

    @property
    def emulated(self) -> bool:
        """Whether the scenes came from the local emulator."""
        source = self.provenance.get("source") or self.recipe.get("source")
        return isinstance(source, Mapping) and is_emulated(source)


def is_tile_run(layout: RunLayout) -> bool:
    """Whether a run directory is one of a downstream set."""
    try:
        recipe = read_mapping(layout.recipe, yaml.safe_load)
    except NoldoError:
        recipe = {}
    kind = str(recipe.get("kind", ""))
    return kind in KINDS or kind.startswith(IMPORTED)


def gather_tiles(layout: RunLayout) -> TileRun:
    """Read the run directory of a downstream set."""
    notices: list[str] = []
    recipe = or_notice(lambda: read_mapping(layout.recipe, yaml.safe_load), notices) or {}
    provenance = or_notice(lambda: read_mapping(layout.manifest / "provenance.json", json.loads), notices) or {}
    statistics = or_notice(lambda: read_mapping(layout.manifest / "statistics.json", json.loads), notices) or {}
    index = or_notice(lambda: read_index(layout.index, TileIndexRow), notices) or ()
    dropped = layout.manifest / "dropped.parquet"
    gone = or_notice(lambda: read_part(dropped, Dropped), notices) if dropped.is_file() else None
    kind = str(recipe.get("kind", "imported"))
    return TileRun(
        layout=layout,
        kind=kind,
        recipe=recipe,
        provenance=provenance,
        statistics=statistics,
        locations=_spots(layout, statistics, index, notices),
        index=index,
        dropped=tuple(gone or ()),
        dropped_known=gone is not None,
        osm=or_notice(lambda: read_osm_tables(layout), notices) if kind == "osm" else None,
        notices=tuple(notices),
    )


@dataclass(frozen=True)
class _Gridded:
    """Of a tile's record, as much as its place needs."""

    tile_id: str
    grid: PixelGrid | None


def _spots(
    layout: RunLayout, statistics: Mapping[str, Any], index: Sequence[TileIndexRow], notices: list[str]
) -> tuple[Spot, ...]:
    """Every tile's place, from the first stage's table; else from the index those that are stored."""
    labelled = _table(layout, "labels", OsmLabelled, notices)
    if labelled:
        return tuple(Spot(tile.tile_id, tile.lon_deg, tile.lat_deg) for tile in labelled)
    tiles = _table(layout, "tiles", _Gridded, notices)
    if tiles:
        return tuple(_spot(tile.tile_id, tile.grid) for tile in tiles if tile.grid is not None and tile.grid.epsg)
    sides = {name: _side_px(layout, name) for name in statistics}
    grids = [(row, sides.get(row.store_name, 0)) for row in index if row.epsg and len(row.geotransform) == 6]
    return tuple(
        _spot(row.location_id, PixelGrid(row.epsg or 0, row.geotransform[2], row.geotransform[5], px, px))
        for row, px in grids
    )


def _side_px(layout: RunLayout, store: str) -> int:
    try:
        text = (layout.store(store) / "ignore" / "zarr.json").read_text()
        return int(json.loads(text)["shape"][-1])
    except (OSError, ValueError, KeyError):
        return 0


def _spot(tile_id: str, grid: PixelGrid) -> Spot:
    left, bottom, right, top = grid.bounds_m
    lon, lat = transformer(grid.epsg, 4326).transform((left + right) / 2, (bottom + top) / 2)
    return Spot(tile_id, float(lon), float(lat))


def _table(layout: RunLayout, stage: str, record: type[Record], notices: list[str]) -> list[Record]:
    rows: list[Record] = []
    for path in listed(layout.table(stage, 0).parent, "part-*.parquet"):
        rows.extend(or_notice(partial(read_part, path, record), notices) or [])
    return rows
