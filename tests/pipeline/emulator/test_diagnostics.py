"""The truth beside a store: rows and seasons in the store's order, and the store that it belongs to."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import geopandas as gpd
import numpy as np
import pytest
import zarr
from numpy.typing import NDArray

from pipeline.emulator.diagnostics import write_truth
from pipeline.emulator.scene import TrueWorld
from pipeline.schema.grid import PixelGrid

SIZE = 3


class Striped:
    """A planet whose truth is the tens of kilometres east plus the month."""

    def truth(self, grid: PixelGrid, when: datetime) -> NDArray[np.uint8]:
        return np.full((grid.height_px, grid.width_px), grid.left_m // 10_000 + when.month, np.uint8)


def write(tmp_path: Path, attributes: dict[str, Any]) -> tuple[float, zarr.Group]:
    rows = [
        {
            "row": row,
            "season": season,
            "s2_datetime": datetime(2020, season + 1, 1, tzinfo=UTC),
            "geotransform": [10.0, 0.0, row * 20_000.0, 0.0, -10.0, 5_000_000.0],
            "epsg": 32631,
        }
        for row in (1, 0)
        for season in (3, 1, 2, 0)
    ]
    index, store, out = tmp_path / "index.parquet", tmp_path / "store.zarr", tmp_path / "truth.zarr"
    gpd.GeoDataFrame(rows, geometry=gpd.points_from_xy([0] * 8, [0] * 8), crs=4326).to_parquet(index)
    labels = np.full((2, 4, SIZE, SIZE), 255, np.uint8)
    labels[0, :, 0] = np.array([1, 2, 3, 0])[:, None]
    group = zarr.create_group(store, zarr_format=3, attributes=attributes)
    group.create_array("dw", data=labels)
    agreement = write_truth(cast(TrueWorld, Striped()), index, store, out, "inputs", lambda done, total: None)
    return agreement, zarr.open_group(out, mode="r")


def test_every_season_of_every_row_is_drawn_where_it_is(tmp_path: Path) -> None:
    agreement, group = write(tmp_path, {})
    truth = np.asarray(cast(Any, group["truth"])[:])
    assert truth[:, :, 0, 0].tolist() == [[1, 2, 3, 4], [3, 4, 5, 6]]
    assert agreement == pytest.approx(3 / 4), "unlabelled pixels do not count"
    assert "content_digest" not in group.attrs


def test_the_truth_names_its_store(tmp_path: Path) -> None:
    _, group = write(tmp_path, {"content_digest": "sha256:abc"})
    assert group.attrs["content_digest"] == "sha256:abc"
