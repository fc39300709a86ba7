"""Ids, scenes and grids of two indices: what is the same, whatever each calls it, and what is not."""

from typing import Any

import pandas as pd
import pytest

from pipeline.manifest.drift_index import (
    MOVED,
    first_few,
    grid_counts,
    grid_kinds,
    id_drift,
    pixel_offset,
    scene_drift,
    shared_rows,
)
from pipeline.manifest.drift_side import Side

SYSTEM_INDEX = "20190104T101411_20190104T101408_T33TWL"
PRODUCT_ID = "S2A_MSIL1C_20190104T101411_N0207_R022_T33TWL_20190104T115529"
S1 = "S1A_IW_GRDH_1SDV_20190103T050838_20190103T050903_025309_02CCBA_1F54"


def row(location_id: str, season: int = 0, **more: Any) -> dict[str, Any]:
    plain = {
        "location_id": location_id,
        "season": season,
        "s2_id": f"COPERNICUS/S2_HARMONIZED/{SYSTEM_INDEX}",
        "s1_id": f"COPERNICUS/S1_GRD/{S1}",
        "epsg": 32633,
        "geotransform": [10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0],
    }
    return plain | more


def side(*rows: dict[str, Any]) -> Side:
    return Side("somewhere", pd.DataFrame(list(rows)), None)


def ids(*names: str) -> Side:
    return Side("list", pd.DataFrame({"location_id": names, "season": 0}), None)


def test_shared_rows_are_in_order_of_id_and_season() -> None:
    ours = side(row("c"), row("a", 1), row("a"), row("b"))
    found = shared_rows(ours, side(row("a", 2), row("c"), row("a", 1), row("z")))
    assert list(zip(found["location_id"], found["season"], strict=True)) == [("a", 0), ("a", 1), ("a", 2), ("c", 0)]


def test_ids_are_told_in_the_order_of_each_side() -> None:
    found = id_drift(side(row("d"), row("a"), row("a", 1), row("b")), ids("z", "b", "c", "d"))
    assert (found.ours, found.published, found.shared) == (3, 4, 2)
    assert (found.missing, found.extra) == (("z", "c"), ("a",))


def test_ids_in_another_split_are_told() -> None:
    ours = side(row("a", split="train"), row("b", split="train"), row("c", split="test"), row("d", split="test"))
    published = side(row("c", split="train"), row("b", split="train"), row("a", split="test"), row("d", split=None))
    assert id_drift(ours, published).other_split == ("a", "c")
    assert id_drift(ours, side(row("a"))).other_split == ()


@pytest.mark.parametrize(
    ("published", "same"),
    [
        (f"COPERNICUS/S2_HARMONIZED/{SYSTEM_INDEX}", True),
        (f"COPERNICUS/S2/{SYSTEM_INDEX}", True),
        (SYSTEM_INDEX, True),
        (PRODUCT_ID, True),
        (SYSTEM_INDEX.replace("T33TWL", "T33TWM"), False),
        (SYSTEM_INDEX.replace("20190104T101411", "20190109T101411"), False),
        (PRODUCT_ID.replace("T33TWL", "T33TWM"), False),
        ("another-name", False),
    ],
)
def test_a_scene_is_the_same_whoever_names_it(published: str, same: bool) -> None:
    (found, radar) = scene_drift(shared_rows(side(row("a")), side(row("a", s2_id=published))))
    assert (found.sensor, found.same, found.other) == ("S2", int(same), int(not same))
    assert (radar.sensor, radar.same) == ("S1", 1)
    assert found.examples == (() if same else (("a", f"COPERNICUS/S2_HARMONIZED/{SYSTEM_INDEX}", published),))


def test_scenes_are_counted_a_season_and_a_sensor() -> None:
    ours = side(row("a"), row("b"), row("c"), row("d", s1_id=None), row("a", 1))
    published = side(row("a"), row("b", s1_id=S1.lower()), row("c", s1_id=""), row("d"), row("e"))
    found = {(s.season, s.sensor): s for s in scene_drift(shared_rows(ours, published))}
    radar = found[0, "S1"]
    assert (radar.same, radar.other, radar.only_ours, radar.only_published, radar.neither) == (1, 1, 1, 1, 0)
    assert (found[0, "S2"].same, found[1, "S2"].only_ours, found[1, "S1"].only_ours) == (4, 1, 1)
    assert set(found) == {(0, "S2"), (0, "S1"), (1, "S2"), (1, "S1")}


def test_a_list_of_ids_names_no_scenes_and_no_ground() -> None:
    rows = shared_rows(side(row("a"), row("b")), ids("a"))
    assert scene_drift(rows) == []
    assert grid_counts(grid_kinds(rows)).unknown == len(rows) == 1


def grid(left: float = 500_000.0, top: float = 5_000_000.0, size: float = 10.0) -> list[float]:
    return [size, 0.0, left, 0.0, -size, top]


@pytest.mark.parametrize(
    ("changed", "offset", "kind"),
    [
        ({}, (0, 0), "same"),
        ({"geotransform": grid(499_990.0, 5_000_010.0)}, (-1, -1), "shifted"),
        ({"geotransform": grid(500_030.0, 4_999_950.0)}, (3, 5), "shifted"),
        ({"geotransform": grid(500_004.0)}, MOVED, "moved"),
        ({"geotransform": grid(size=20.0)}, MOVED, "moved"),
        ({"epsg": 32634}, MOVED, "moved"),
        ({"epsg": 0}, None, "unknown"),
        ({"geotransform": None}, None, "unknown"),
        ({"epsg": None}, None, "unknown"),
    ],
)
def test_grids_are_the_same_shifted_moved_or_unknown(
    changed: dict[str, Any], offset: tuple[int, int] | None, kind: str
) -> None:
    rows = shared_rows(side(row("a")), side(row("a", **changed)))
    assert pixel_offset(rows.to_dict("records")[0]) == offset
    found = grid_counts(grid_kinds(rows))
    assert {name: getattr(found, name) for name in ("same", "shifted", "moved", "unknown")} == dict.fromkeys(
        ("same", "shifted", "moved", "unknown"), 0
    ) | {kind: 1}


def test_long_lists_are_cut() -> None:
    assert first_few(list("abcdefg"), 3) == "a, b, c and 4 more"
    assert first_few(["a"]) == "a"
