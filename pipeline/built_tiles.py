"""The tiles of a finished run, as another data set is made from them: where they lie, in which row of which store."""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import TypeAdapter

from pipeline.files import is_file
from pipeline.leakage import Place
from pipeline.nearness import LonLat
from pipeline.parts import readable
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.grid import PATCH_PX, PixelGrid, transformer
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath
from pipeline.schema.tiles import Split, TilePair
from pipeline.tile_arrays import UNREADABLE, open_tile_arrays


@dataclass(frozen=True)
class BuiltTile:
    """One tile of a finished run."""

    tile_id: str
    split: Split
    store: str
    """Name of its store, for example dw_train."""
    row: int
    grid: PixelGrid
    """Of the row's pixels."""
    pair: TilePair
    """The scenes that its pixels are of."""

    @cached_property
    def centre(self) -> LonLat:
        """Longitude and latitude of its middle, degrees."""
        left, bottom, right, top = self.grid.bounds_m
        lon, lat = transformer(self.grid.epsg, 4326).transform((left + right) / 2, (bottom + top) / 2)
        return float(lon), float(lat)


@dataclass(frozen=True)
class BuiltTiles:
    """All tiles of a finished run, by id."""

    run: RunLayout
    tiles: tuple[BuiltTile, ...]
    digest: str
    """Content digest of the run's data set."""
    source: Any
    """The recipe's source, as the run's provenance tells it; None where it tells none."""

    def store(self, tile: BuiltTile) -> AnyPath:
        """The store that holds a tile."""
        return self.run.store(tile.store)

    def dw(self, tile: BuiltTile) -> NDArray[np.uint8]:
        """The Dynamic World labels of a tile, (height, width); NoldoError where they cannot be read."""
        try:
            return np.asarray(open_tile_arrays(self.store(tile))["dw"][tile.row], np.uint8)
        except UNREADABLE as error:
            raise NoldoError(f"{self.store(tile)}: row {tile.row} cannot be read ({error}); build it again") from error


@dataclass(frozen=True)
class _IndexRow:
    location_id: str
    split: str
    store: str
    row: int
    epsg: int
    geotransform: tuple[float, ...]
    s2_id: str | None = None
    s1_id: str | None = None
    s2_datetime: datetime | None = None
    s1_datetime: datetime | None = None
    processing_baseline: str | None = None
    s2_tile: str | None = None
    s1_orbit_pass: str | None = None
    s1_relative_orbit: int | None = None
    cloud_pct: float | None = None


def read_built_tiles(root: AnyPath) -> BuiltTiles:
    """The tiles of a finished build or import of DW tiles; UsageError where the folder holds none."""
    run = RunLayout(root)
    rows = _rows(run, _IndexRow)
    if not all(row.split in ("train", "test") for row in rows):
        raise UsageError(
            f"{root} is no set of expert tiles: its index names the split '{rows[0].split}'; give a build of kind dw"
        )
    nowhere = [row.location_id for row in rows if not row.epsg]
    if nowhere:
        raise UsageError(
            f"{root}: {len(nowhere)} tiles, such as {nowhere[0]}, do not say where they lie; build them anew"
        )
    try:
        provenance = json.loads((run.manifest / "provenance.json").read_text())
        digest = str(provenance["content_digest"]["dataset"])
        names = sorted({row.store for row in rows})
        sizes = {name: int(open_tile_arrays(run.root / name)["dw"].shape[-1]) for name in names}
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"{root} is no finished set of expert tiles ({error}); build it first") from error
    tiles = sorted((_tile(row, sizes[row.store]) for row in rows), key=lambda tile: tile.tile_id)
    recipe = provenance.get("recipe") or {}
    return BuiltTiles(run, tuple(tiles), digest, recipe.get("source"))


def read_places(root: AnyPath) -> list[Place]:
    """Where the locations of a pretraining set lie, from its index; UsageError where there is none."""
    rows = {row.location_id: row for row in _rows(RunLayout(root), _Placed)}
    by_zone: dict[int, list[_Placed]] = {}
    for row in rows.values():
        by_zone.setdefault(row.epsg, []).append(row)
    places = []
    for epsg, members in by_zone.items():
        half = np.array([member.geotransform[0] for member in members]) * PATCH_PX / 2
        x = np.array([member.geotransform[2] for member in members]) + half
        y = np.array([member.geotransform[5] for member in members]) - half
        lon, lat = transformer(epsg, 4326).transform(x, y)
        centres = zip(lon.tolist(), lat.tolist(), strict=True)
        places += [Place(member.location_id, centre) for member, centre in zip(members, centres, strict=True)]
    return sorted(places, key=lambda place: place.location_id)


@dataclass(frozen=True)
class _Placed:
    location_id: str
    epsg: int
    geotransform: tuple[float, ...]


def _rows(run: RunLayout, record: Any) -> list[Any]:
    if not is_file(run.index):
        raise UsageError(f"{run.root} holds no finished data set: {run.index} is not there; build it first")
    try:
        file = pq.ParquetFile(readable(run.index))
        present = set(file.schema_arrow.names)
        columns = [name for name in record.__dataclass_fields__ if name in present]
        rows: list[Any] = TypeAdapter(list[record]).validate_python(file.read(columns=columns).to_pylist())
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UsageError(f"{run.index} cannot be read ({str(error).splitlines()[0]}); restore it") from error
    if not rows:
        raise UsageError(f"{run.index} holds no rows; build that data set again")
    return rows


def _tile(row: _IndexRow, size_px: int) -> BuiltTile:
    a, _, left, _, _, top = row.geotransform
    pair = TilePair(
        tile_id=row.location_id,
        s2_id=row.s2_id,
        s2_time=row.s2_datetime,
        s2_cloud_pct=row.cloud_pct,
        s2_baseline=row.processing_baseline,
        s2_tile=row.s2_tile,
        s1_id=row.s1_id,
        s1_time=row.s1_datetime,
        s1_orbit_pass=row.s1_orbit_pass,
        s1_relative_orbit=row.s1_relative_orbit,
    )
    return BuiltTile(
        tile_id=row.location_id,
        split="test" if row.split == "test" else "train",
        store=row.store.rpartition("/")[2].removesuffix(".zarr"),
        row=row.row,
        grid=PixelGrid(row.epsg, left, top, size_px, size_px, a),
        pair=pair,
    )
