from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely import Point, Polygon

from pipeline.sampling.features import read_features
from pipeline.schema.errors import UsageError


@pytest.mark.parametrize("name", ["f.geojson", "f.gpkg", "f.fgb", "f.parquet", "f.GeoParquet"])
def test_every_format_is_read_into_degrees(tmp_path: Path, name: str) -> None:
    rows = gpd.GeoDataFrame({"id": ["a"]}, geometry=[Point(500_000, 5_400_000)], crs=32631)
    path = tmp_path / name
    (rows.to_parquet if "parquet" in name.lower() else (rows.to_crs(4326) if "json" in name else rows).to_file)(path)
    read = read_features(path, "sample.from")
    assert read.crs == "EPSG:4326"
    assert read.geometry[0].x == pytest.approx(3.0, abs=1e-6)
    assert read.geometry[0].y == pytest.approx(48.75, abs=0.01)


def refused(path: Path, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        read_features(path, "sample.within")
    assert str(caught.value).startswith("sample.within: ")
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    refused(tmp_path / "absent.parquet", "no readable GeoParquet")
    refused(tmp_path / "absent.gpkg", "no readable vector")
    refused(tmp_path / "roads.shp", "none of the formats")
    broken = tmp_path / "broken.geojson"
    broken.write_text("{")
    refused(broken, "no readable vector")
    plain = tmp_path / "plain.parquet"
    pd.DataFrame({"id": ["a"]}).to_parquet(plain)
    refused(plain, "no readable GeoParquet")


def test_what_is_not_on_earth_in_degrees_is_said_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    gpd.GeoDataFrame(geometry=[Point(2, 48)], crs=None).to_parquet(path)
    refused(path, "no coordinate reference system")
    gpd.GeoDataFrame(geometry=[Point(2, 48), Point(600_000, 5_000_000)], crs=4326).to_parquet(path)
    refused(path, r"row 2 reaches over lon 600000")
    gpd.GeoDataFrame(geometry=[Point(2, 48), None, Point(2, 48)], crs=4326).to_parquet(path)
    refused(path, "row 2 has no geometry")
    gpd.GeoDataFrame(geometry=[Point(2, 48), Polygon()], crs=4326).to_parquet(path)
    refused(path, "row 2 has no geometry")
    gpd.GeoDataFrame(geometry=[Point(float("nan"), 48)], crs=4326).to_parquet(path)
    refused(path, "row 1 has no geometry")
