"""Small data sets as they are published: a store and an index, written directly."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import zarr

from pipeline.schema.bands import S1_SCALING, S2_SCALING
from pipeline.schema.grid import PixelGrid, patch_grid
from pipeline.schema.records import N_SEASONS
from pipeline.store_arrays import create_arrays
from pipeline.tile_arrays import create_tile_arrays

PX = 24
PLACES = {
    "0000007": (-79.4, 43.7),
    "0000190": (179.9995, 51.2),  # crosses the antimeridian
    "0000052": (13.95, -11.05),
    "0000300": (-179.9995, -17.0),  # crosses it from the other side
}
"""Rows are in this order."""
TILES = {"dw_a": (2.35, 48.85), "dw_b": (-70.6, -33.4), "dw_nowhere": None}


@dataclass(frozen=True)
class Tree:
    """A data set's folder, and what was put there."""

    root: Path
    grids: dict[str, PixelGrid]
    """Of the locations whose place is known, by id."""
    arrays: Mapping[str, Any]
    """Values by array, whole."""


def season_row(
    location_id: str, season: int, row: int, store: str, grid: PixelGrid | None, **more: Any
) -> dict[str, Any]:
    time = pd.Timestamp("2021-01-10T10:00:01Z") + pd.Timedelta(days=91 * season + row)
    return {
        "location_id": location_id, "season": season, "split": "pretrain", "store": store, "row": row,
        "s2_id": f"S2/{location_id}/{season}", "s1_id": f"S1/{location_id}/{season}",
        "dw_id": f"DW/{location_id}/{season}", "s2_datetime": time, "s1_datetime": time - pd.Timedelta(days=2),
        "processing_baseline": "03.01", "s2_tile": "33LUH", "s1_orbit_pass": "DESCENDING", "s1_relative_orbit": 44,
        "epsg": grid.epsg if grid else 0, "geotransform": list(grid.affine) if grid else [0.0] * 6,
        "cloud_pct": 2.5 * season + row, "label_source": "dynamic_world_v1", "label_valid_frac": 1 - 0.1 * row,
        "geometry": grid.footprint_lonlat() if grid else None,
    } | more  # fmt: skip


def write_index(root: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    (root / "manifest").mkdir(parents=True, exist_ok=True)
    frame = gpd.GeoDataFrame(pd.DataFrame(list(rows)), geometry="geometry", crs="OGC:CRS84")
    frame.to_parquet(root / "manifest" / "index.parquet", index=False, schema_version="1.1.0", write_covering_bbox=True)


def draw(name: str, shape: Sequence[int], dtype: str) -> np.ndarray:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if dtype == "float32":
        return rng.normal(-14, 6, shape).astype(dtype)
    high = {"dw": 9, "osm": 9, "ignore": 2}.get(name, 6000 if dtype == "uint16" else 256)
    drawn = rng.integers(0, high, shape).astype(dtype)
    if name == "dw":
        drawn[..., 0, :2] = 255
    return drawn


def write_arrays(store: Path, create: Any, **arguments: Any) -> dict[str, Any]:
    group = zarr.create_group(store)
    create(group, **arguments)
    drawn = {name: draw(name, array.shape, array.dtype.name) for name, array in group.arrays()}
    for name, values in drawn.items():
        group[name].with_config({"write_empty_chunks": True})[:] = values  # type: ignore[union-attr]
    return drawn


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A pretraining set of four locations in both hemispheres, two on the antimeridian: change nothing in it."""
    root = tmp_path_factory.mktemp("set") / "set"
    grids = {i: patch_grid(lon, lat, PX) for i, (lon, lat) in PLACES.items()}
    arrays = write_arrays(
        root / "store" / "nol.zarr", create_arrays, n_rows=len(grids), patch_px=PX, shard_rows=3, codec="lz4",
        probabilities=True,
    )  # fmt: skip
    rows = [season_row(i, s, at, "store/nol.zarr", grids[i]) for at, i in enumerate(grids) for s in range(N_SEASONS)]
    write_index(root, rows)
    return Tree(root, grids, arrays)


@pytest.fixture(scope="session")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A downstream set of two stores, one of whose tiles lies nobody knows where: change nothing in it."""
    root = tmp_path_factory.mktemp("tiles") / "set"
    grids = {i: patch_grid(*place, PX) for i, place in TILES.items() if place is not None}
    settings = {"size_px": PX, "shard_rows": 2, "codec": "zstd", "labels": ["dw"]}
    arrays = write_arrays(root / "store" / "dw_train.zarr", create_tile_arrays, n_rows=len(TILES), **settings)
    write_arrays(root / "store" / "dw_test.zarr", create_tile_arrays, n_rows=1, **settings)
    unknown = {"dw_id": None, "s1_id": None, "s1_datetime": pd.NaT, "s1_relative_orbit": None, "cloud_pct": np.nan}
    rows = [
        season_row(i, 0, at, "store/dw_train.zarr", grids.get(i), split="train", **(unknown if at else {"dw_id": None}))
        for at, i in enumerate(TILES)
    ]
    rows.append(season_row("dw_test", 0, 0, "store/dw_test.zarr", grids["dw_a"], split="test"))
    write_index(root, rows)
    return Tree(root, grids, arrays)


@pytest.fixture(scope="session")
def scalings() -> Mapping[str, Any]:
    """How the pretraining store's images are scaled."""
    return {"s2": S2_SCALING, "s1": S1_SCALING}
