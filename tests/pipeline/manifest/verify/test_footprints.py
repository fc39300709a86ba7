"""Outlines are held against an independent computation: pyproj's own projection string, a corner at a time."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Proj

from pipeline.manifest.digest_table import DigestTable
from pipeline.manifest.index import SCHEMA, write_index
from pipeline.manifest.verify import footprints
from pipeline.manifest.verify.tree import PublishedTree
from pipeline.schema.layout import RunLayout

Rows = list[dict[str, Any]]
Told = Callable[[Any], list[str]]

PX = 264


class Shaped:
    """What of an array the check asks for."""

    shape = (1, 13, PX, PX)


def independent_outline(epsg: int, left: float, top: float) -> Any:
    """A patch's corners in degrees by PROJ's utm, in one polygon or, across the date line, in two."""
    project = Proj(proj="utm", zone=epsg % 100, south=epsg // 100 == 327, datum="WGS84")
    side = PX * 10.0
    corners = [(left, top - side), (left + side, top - side), (left + side, top), (left, top)]
    lonlat = [project(x, y, inverse=True) for x, y in corners]
    if max(lon for lon, _ in lonlat) - min(lon for lon, _ in lonlat) <= 180:
        return shapely.Polygon(lonlat)
    whole = shapely.Polygon([(lon % 360, lat) for lon, lat in lonlat])
    east = shapely.transform(whole.intersection(shapely.box(180, -90, 360, 90)), lambda c: c - [360, 0])
    return shapely.MultiPolygon([whole.intersection(shapely.box(0, -90, 180, 90)), east])


def tree_of(root: Path, places: list[tuple[int, float, float]], outlines: list[Any]) -> PublishedTree:
    """A tree of nothing but an index that gives places these outlines."""
    rows = [
        dict.fromkeys(SCHEMA.names)
        | {
            "location_id": f"at{at}", "season": 0, "split": "pretrain", "store": "store/nol.zarr", "row": at,
            "epsg": epsg, "geotransform": [10.0, 0.0, left, 0.0, -10.0, top], "label_valid_frac": 1.0,
            "geometry": outline.wkb,
            "bbox": dict(zip(("xmin", "ymin", "xmax", "ymax"), outline.bounds, strict=True)),
        }
        for at, ((epsg, left, top), outline) in enumerate(zip(places, outlines, strict=True))
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows, SCHEMA)
    write_index(root / "manifest/index.parquet", table)
    frame: pd.DataFrame = table.to_pandas()
    arrays = {"store/nol.zarr": {"s2": Shaped()}}
    return PublishedTree(root, {}, {}, arrays, frame, DigestTable(()), {})


ZONES = st.integers(1, 60)
EASTINGS = st.integers(16_600, 83_000).map(lambda tens: tens * 10.0)
NORTHERN = st.tuples(ZONES.map(lambda zone: 32600 + zone), EASTINGS, st.integers(0, 930_000).map(lambda t: t * 10.0))
SOUTHERN = st.tuples(
    ZONES.map(lambda zone: 32700 + zone), EASTINGS, st.integers(110_000, 1_000_000).map(lambda t: t * 10.0)
)
DATE_LINE = st.tuples(
    st.sampled_from([32601, 32701]), st.just(0.0), st.integers(200_000, 900_000).map(lambda t: t * 10.0)
).map(lambda place: (place[0], on_the_date_line(place[0], place[2]), place[2]))


def on_the_date_line(epsg: int, top: float) -> float:
    """The left edge of a patch that the date line cuts, on the 10 m grid."""
    project = Proj(proj="utm", zone=epsg % 100, south=epsg // 100 == 327, datum="WGS84")
    lat = project(200_000.0, top - PX * 5.0, inverse=True)[1]
    return float(round((project(-180.0, lat)[0] - PX * 5.0) / 10) * 10)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(NORTHERN, SOUTHERN, DATE_LINE), min_size=1, max_size=6))
def test_independent_outlines_in_any_zone_are_right(
    tmp_path_factory: pytest.TempPathFactory, places: list[tuple[int, float, float]]
) -> None:
    outlines = [independent_outline(*place) for place in places]
    assert all(outline.is_valid for outline in outlines)
    tree = tree_of(tmp_path_factory.mktemp("tree"), places, outlines)
    assert list(footprints.check(tree)) == []


@settings(max_examples=30, deadline=None)
@given(
    st.one_of(NORTHERN, SOUTHERN, DATE_LINE),
    st.sampled_from([(1, 0), (0, 1), (-1, 0), (0, -1), (26_400, 0)]),
    st.sampled_from(["place", "zone"]),
)
def test_an_outline_a_metre_off_or_of_another_zone_is_wrong(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[int, float, float], off: tuple[int, int], what: str
) -> None:
    epsg, left, top = place
    other = (epsg, left + off[0], top + off[1]) if what == "place" else (epsg // 100 * 100 + epsg % 60 + 1, left, top)
    tree = tree_of(tmp_path_factory.mktemp("tree"), [place], [independent_outline(*other)])
    (found,) = footprints.check(tree)
    assert (found.check, found.store, found.row) == ("footprints", "store/nol.zarr", 0)
    assert "location at0" in found.where
    assert (
        "of that of its grid" in found.what or "off that of its grid" in found.what or "its grid makes a" in found.what
    )


def test_a_ring_may_begin_anywhere_and_run_either_way(tmp_path: Path) -> None:
    place = (32633, 500_000.0, 5_000_000.0)
    corners = list(independent_outline(*place).exterior.coords)[:-1]
    turned = shapely.Polygon(list(reversed(corners[2:] + corners[:2])))
    assert list(footprints.check(tree_of(tmp_path, [place], [turned]))) == []


def test_a_grid_near_the_pole_lies_beyond_any_zone(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, [(32633, 500_000.0, 9_900_000.0)], [shapely.box(10, 80, 11, 81)])
    (found,) = footprints.check(tree)
    assert "beyond the reach of any UTM zone" in found.what


def test_boxes_that_are_not_the_bounds_are_told(ours: Any, changed: Callable[..., PublishedTree], told: Told) -> None:
    def change(rows: Rows) -> None:
        rows[5]["bbox"]["xmax"] += 0.001
        rows[6]["bbox"] = None

    lines = told(footprints.check(changed(ours.run, change)))
    assert [line.split(": bbox")[0].split(", location")[0] for line in lines[:2]] == [
        "manifest/index.parquet store/nol.zarr row 1 season 1",
        "manifest/index.parquet store/nol.zarr row 1 season 2",
    ]
    assert all("is not its geometry's" in line for line in lines[:2])


def test_a_geometry_that_is_missing_or_no_geometry_is_told(
    ours: Any, changed: Callable[..., PublishedTree], told: Told
) -> None:
    tree = changed(ours.run, lambda rows: None)
    frame = tree.index.copy()
    frame["geometry"] = [b"\x01\x03no", None, *frame["geometry"].tolist()[2:]]
    lines = told(footprints.check(replace(tree, index=frame)))
    assert lines[0].startswith("manifest/index.parquet store/nol.zarr row 0 season 0")
    assert lines[0].endswith("the geometry cannot be read: it is no WKB (well-known binary)")
    assert any("row 0 season 1" in line and "no geometry, expected (" in line for line in lines)


def test_a_tile_of_no_known_place_has_no_outline(
    tiles_run: RunLayout, changed: Callable[..., PublishedTree], told: Told
) -> None:
    def lose(rows: Rows) -> None:
        rows[0] |= {"epsg": 0, "geometry": None, "bbox": None}
        rows[1]["epsg"] = 0

    (line,) = told(footprints.check(changed(tiles_run, lose)))
    assert "row 1" in line
    assert line.endswith("epsg is 0, so nobody knows where it lies, but it has a geometry")


def test_what_the_file_says_of_its_geometry_is_held_against_the_rows(
    ours: Any, copied: Callable[..., Path], open_published: Callable[..., PublishedTree], told: Told
) -> None:
    root = copied(ours.run)
    path = root / "manifest/index.parquet"
    table = pq.read_table(path)
    geo = table.schema.metadata[b"geo"]
    changes = [(b'"WKB"', b'"WKT"'), (b'"1.1.0"', b'"0.1.0"'), (b'["bbox", "xmin"]', b'["bbox", "xmax"]')]
    for old, new in changes:
        assert old in geo
        pq.write_table(table.replace_schema_metadata({b"geo": geo.replace(old, new)}), path)
        assert len(told(footprints.check(open_published(root)))) == 1
    pq.write_table(table.replace_schema_metadata({}), path)
    (line,) = told(footprints.check(open_published(root)))
    assert "says nothing usable of its geometry" in line
    assert np.isfinite(shapely.total_bounds(shapely.from_wkb(table["geometry"].to_pylist()))).all()
