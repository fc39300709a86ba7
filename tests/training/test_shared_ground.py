"""Patches that share ground go together, whatever their zone; the index says where they lie."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import zarr
from shapely import MultiPolygon, box

from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.grid import patch_grid
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath
from training.dataset import TrainingStore, open_store
from training.shared_ground import ground_groups

PLACES = [(11.5, 48.1), (30.0, 10.0), (11.52, 48.1), (11.54, 48.1), (11.7, 48.1), (5.999, 45.0), (6.001, 45.0)]
"""0, 2, 3 are a chain, 0 and 3 apart; 5 and 6 overlap across two UTM zones."""


def run_directory(root: Path, geometries: list[Any], listed: int | None = None) -> TrainingStore:
    layout = RunLayout(root)
    n = len(geometries)
    store = zarr.create_group(layout.store("nol"), zarr_format=3)
    for name, bands in (("s1", (2,)), ("s2", (13,)), ("dw", ())):
        store.create_array(name, shape=(n, 4, *bands, 8, 8), dtype="uint8")
    rows = [row for row in range(n)[:listed] for _ in range(4)]
    others = {"store": ["store/nol.zarr"] * len(rows) + ["store/downstream.zarr"], "row": [*rows, 0]}
    shapes = [geometries[row] for row in rows] + [geometries[-1]]
    layout.manifest.mkdir()
    gpd.GeoDataFrame(others, geometry=shapes, crs="EPSG:4326").iloc[::-1].to_parquet(layout.index)
    return open_store(layout.store("nol"))


def footprints() -> list[Any]:
    return [patch_grid(*place).footprint_lonlat() for place in PLACES]


def test_rows_whose_patches_overlap_are_of_one_group(tmp_path: Path) -> None:
    groups = ground_groups(run_directory(tmp_path, footprints()))
    assert groups is not None
    together = {tuple(np.flatnonzero(groups == g).tolist()) for g in groups}
    assert together == {(0, 2, 3), (1,), (4,), (5, 6)}


def test_patches_across_the_antimeridian_meet(tmp_path: Path) -> None:
    crossing = MultiPolygon([box(179.99, 0, 180, 0.02), box(-180, 0, -179.99, 0.02)])
    groups = ground_groups(run_directory(tmp_path, [crossing, box(-179.995, 0, -179.975, 0.02), box(0, 0, 0.02, 0.02)]))
    assert groups is not None
    assert groups[0] == groups[1] != groups[2]


def test_a_bare_store_has_no_groups(small: tuple[Path, Path]) -> None:
    assert ground_groups(open_store(small[0])) is None


def test_an_index_of_other_rows_or_a_damaged_one_is_named(tmp_path: Path) -> None:
    store = run_directory(tmp_path, footprints(), listed=5)
    with pytest.raises(UsageError, match=r"index\.parquet lists 5 rows of nol\.zarr, the store has 7"):
        ground_groups(store)
    RunLayout(tmp_path).index.write_bytes(b"no parquet")
    with pytest.raises(NoldoError, match=r"index\.parquet cannot be read"):
        ground_groups(store)


def test_the_index_beside_a_store_in_a_bucket_is_read(tmp_path: Path, bucket: Callable[[], AnyPath]) -> None:
    local, place = run_directory(tmp_path, footprints()), bucket()
    zarr.open_group(local.path).attrs["content_digest"] = "d"
    for file in (path for path in tmp_path.rglob("*") if path.is_file()):
        place.fs.pipe_file(f"{place.path}/{file.relative_to(tmp_path).as_posix()}", file.read_bytes())
    groups, expected = ground_groups(open_store(RunLayout(place).store("nol"))), ground_groups(local)
    assert groups is not None
    assert expected is not None
    assert groups.tolist() == expected.tolist()
