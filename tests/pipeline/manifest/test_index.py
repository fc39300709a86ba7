import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from shapely import Point, Polygon

from pipeline.manifest.index import index_table, split_at_antimeridian, write_index
from pipeline.parts import to_table
from pipeline.schema.grid import patch_grid
from pipeline.schema.records import Location, QualityRecord, SeasonMatch, StoreRow


def rows_of(packed: Any, label_source: str | None = "dynamic_world_v1") -> pa.Table:
    return index_table(
        "store/nol.zarr",
        to_table(StoreRow, packed.rows),
        to_table(Location, packed.locations),
        to_table(SeasonMatch, packed.matches),
        to_table(QualityRecord, packed.quality),
        label_source,
    )


def test_index_rows_describe_the_store_rows(packed: Any, tmp_path: Path) -> None:
    write_index(tmp_path / "index.parquet", rows_of(packed))
    index = gpd.read_parquet(tmp_path / "index.parquet")
    assert index[["row", "season"]].values.tolist() == [[row, season] for row in range(5) for season in range(4)]
    labels = zarr.open_group(packed.store, mode="r")["dw"]
    places = {place.location_id: place for place in packed.locations}
    for found in index.itertuples():
        assert found.location_id == packed.rows[found.row].location_id
        assert found.label_valid_frac == pytest.approx(np.mean(labels[found.row, found.season] != 255))
        grid = places[found.location_id].grid
        assert (found.epsg, tuple(found.geotransform)) == (grid.epsg, grid.affine)
        match = next(m for m in packed.matches if (m.location_id, m.season) == (found.location_id, found.season))
        assert (found.s2_id, found.s1_id, found.dw_id) == (match.s2_id, match.s1_id, match.dw_id)
        assert found.s2_datetime == match.s2_time
        assert found.s1_datetime == match.s1_time
        assert (found.split, found.store, found.label_source) == ("pretrain", "store/nol.zarr", "dynamic_world_v1")


def test_geometry_is_the_outline_of_the_pixels(packed: Any, tmp_path: Path) -> None:
    write_index(tmp_path / "index.parquet", rows_of(packed))
    for found in gpd.read_parquet(tmp_path / "index.parquet").itertuples():
        a, _, c, _, e, f = found.geotransform
        corner = Transformer.from_crs(found.epsg, 4326, always_xy=True).transform(c + 24 * a, f + 24 * e)
        assert found.geometry.distance(Point(corner)) < 1e-9


def test_the_file_is_geoparquet_1_1_with_a_covering(packed: Any, tmp_path: Path) -> None:
    write_index(tmp_path / "index.parquet", rows_of(packed))
    file = pq.ParquetFile(tmp_path / "index.parquet")
    geo = json.loads(file.schema_arrow.metadata[b"geo"])
    assert (geo["version"], geo["primary_column"]) == ("1.1.0", "geometry")
    column = geo["columns"]["geometry"]
    assert column["encoding"] == "WKB"
    assert column["crs"]["id"] == {"authority": "OGC", "code": "CRS84"}
    assert column["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
    assert {file.metadata.row_group(0).column(at).compression for at in range(file.metadata.num_columns)} == {"ZSTD"}
    table = file.read().to_pylist()
    frame = gpd.read_parquet(tmp_path / "index.parquet")
    for row, bounds in zip(table, frame.geometry.bounds.values, strict=True):
        assert [row["bbox"][k] for k in ("xmin", "ymin", "xmax", "ymax")] == pytest.approx(list(bounds))
    assert {str(file.schema_arrow.field(n).type) for n in ("s2_datetime", "s1_datetime")} == {"timestamp[us, tz=UTC]"}


def test_the_order_of_the_records_does_not_matter(packed: Any, tmp_path: Path) -> None:
    shuffled = replace(
        packed,
        rows=packed.rows[::-1],
        locations=packed.locations[::-1],
        matches=packed.matches[::-1],
        quality=packed.quality[::-1],
    )
    for name, run in (("a", packed), ("b", shuffled)):
        write_index(tmp_path / name, rows_of(run))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("without", ["locations", "matches", "quality"])
def test_a_stored_location_without_a_record_is_refused(packed: Any, without: str) -> None:
    lacking = replace(packed, **{without: getattr(packed, without)[1:]})
    with pytest.raises(ValueError, match="loc000: no record of"):
        rows_of(lacking)


def test_a_season_without_a_scene_is_refused(packed: Any) -> None:
    matches = [replace(m, s1_id=None) if (m.location_id, m.season) == ("loc002", 3) else m for m in packed.matches]
    with pytest.raises(ValueError, match="loc002: season 3 lacks S1"):
        rows_of(replace(packed, matches=matches))
    twice = [*packed.matches, packed.matches[5]]
    with pytest.raises(ValueError, match="loc001: 2 records of season 1"):
        rows_of(replace(packed, matches=twice))


def test_images_without_labels_need_no_label(packed: Any) -> None:
    matches = [replace(m, dw_id=None) for m in packed.matches]
    with pytest.raises(ValueError, match="season 0 lacks DW"):
        rows_of(replace(packed, matches=matches))
    table = rows_of(replace(packed, matches=matches), None)
    assert table["dw_id"].null_count == table["label_source"].null_count == 20


@settings(max_examples=40, deadline=None)
@given(
    lon=st.floats(-180, 180).filter(lambda v: abs(v) > 179.9) | st.floats(-180, 180),
    lat=st.floats(-55.9, 83.9),
)
def test_outlines_stay_small_on_both_sides_of_the_antimeridian(lon: float, lat: float) -> None:
    outline = patch_grid(lon, lat).footprint_lonlat()
    geometry = split_at_antimeridian(outline)
    assert geometry.is_valid
    parts: list[Polygon] = list(getattr(geometry, "geoms", [geometry]))
    assert all(p.bounds[2] - p.bounds[0] < 1.0 for p in parts)
    assert all(p.bounds[0] >= -180.0 and p.bounds[2] <= 180.0 for p in parts)
    assert geometry.distance(Point(lon, lat)) < 1e-6 or abs(abs(lon) - 180.0) < 1e-6
    crosses = outline.bounds[2] - outline.bounds[0] > 180.0
    assert (geometry.geom_type == "MultiPolygon") == crosses


def test_an_index_is_written_again_to_the_byte(
    packed: Any, tmp_path: Path, tree_bytes: Callable[[Path], dict[str, bytes]]
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_index(tmp_path / name / "index.parquet", rows_of(packed))
    assert tree_bytes(tmp_path / "a") == tree_bytes(tmp_path / "b")
