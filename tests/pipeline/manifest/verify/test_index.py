"""Every lie that an index can tell is told by its check, with the row and the location."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.manifest.index import SCHEMA
from pipeline.manifest.verify import duplicates, footprints, index, leakage
from pipeline.manifest.verify.run import verify
from pipeline.manifest.verify.tree import PublishedTree
from pipeline.schema.layout import RunLayout

Rows = list[dict[str, Any]]
Changed = Callable[..., PublishedTree]
Told = Callable[[Any], list[str]]

NO_ID = "is no asset id of its collection"
ROW_1 = "manifest/index.parquet store/nol.zarr row 1 season 2, location "


def at(rows: Rows, row: int, season: int) -> dict[str, Any]:
    return next(one for one in rows if (one["row"], one["season"]) == (row, season))


def test_a_published_tree_has_nothing_wrong(
    ours: Any, tiles_run: RunLayout, open_published: Callable[..., PublishedTree]
) -> None:
    for root in (ours.run.root, tiles_run.root):
        tree = open_published(root)
        for check in (index.check, footprints.check, duplicates.check, leakage.check):
            assert list(check(tree)) == []


def test_a_removed_row_is_missed_and_a_doubled_one_counted(ours: Any, changed: Changed, told: Told) -> None:
    def both(rows: Rows) -> Rows:
        kept = [row for row in rows if (row["row"], row["season"]) != (3, 1)]
        return sorted([*kept, at(rows, 1, 2)], key=lambda row: (row["row"], row["season"]))

    location = ours.rows[1].location_id
    found = told(f for f in index.check(changed(ours.run, both)) if f.path == "manifest/index.parquet")
    assert found == [
        f"{ROW_1}{location}: named 2 times, expected once",
        "store/nol.zarr row 3: not in the index in season 1, expected once in each of 4",
    ]


def test_a_whole_location_that_is_gone_is_one_finding(ours: Any, changed: Changed, told: Told) -> None:
    tree = changed(ours.run, lambda rows: [row for row in rows if row["row"] != 4])
    found = [line for line in told(index.check(tree)) if "assets" not in line]
    assert found == ["store/nol.zarr row 4: not in the index in any season, expected once in each of 4"]


def test_rows_beyond_the_store_and_out_of_order_are_told(ours: Any, changed: Changed, told: Told) -> None:
    def renumber(rows: Rows) -> None:
        at(rows, 4, 3)["row"] = 9

    found = told(index.check(changed(ours.run, renumber)))
    assert any("row 9 season 3" in line and "rows 0..4 and seasons 0..3" in line for line in found)
    assert "store/nol.zarr row 4: not in the index in season 3, expected once in each of 4" in found


def test_an_index_in_another_order_is_told(ours: Any, changed: Changed, told: Told) -> None:
    (line,) = told(index.check(changed(ours.run, lambda rows: [*rows[4:], *rows[:4]])))
    assert "row 0 season 0" in line
    assert "out of order" in line


def test_a_store_that_only_one_side_has_is_told(ours: Any, changed: Changed, told: Told) -> None:
    def rename(rows: Rows) -> None:
        for row in rows:
            row["store"] = "store/other.zarr"

    found = told(index.check(changed(ours.run, rename)))
    assert "store/nol.zarr: no row of the index names this store" in found
    assert "store/other.zarr: 20 rows of the index are of this store, which is not there" in found


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("split", "train", "split train, expected pretrain of that store"),
        ("location_id", "stranger", "in the row's season 0"),
        ("epsg", 4326, "EPSG:4326 is no UTM zone, expected 32601..32660 or 32701..32760"),
        ("geotransform", [20.0, 0.0, 5e5, 0.0, -20.0, 4e6], "is not north-up at 10 m"),
        ("geotransform", [10.0, 0.0, -5e5, 0.0, -10.0, 4e6], "the corner (-500000, 4e+06) m lies outside any UTM zone"),
        ("cloud_pct", 100.5, "cloud_pct 100.5, expected 0..100"),
        ("label_valid_frac", -0.1, "label_valid_frac -0.1, expected 0..1"),
        ("label_valid_frac", float("inf"), "label_valid_frac inf, expected 0..1"),
        ("s1_orbit_pass", "SIDEWAYS", "s1_orbit_pass 'SIDEWAYS', expected ASCENDING|DESCENDING"),
        ("s1_relative_orbit", 176, "expected 1..175"),
        ("processing_baseline", "2.8", r"processing_baseline '2.8', expected \d\d\.\d\d"),
        ("s2_tile", "33TWM", "s2_tile 33TWM is not that of COPERNICUS/S2_HARMONIZED/"),
        ("s2_id", None, "s2_id is null, expected a scene"),
        ("dw_id", None, "dw_id is null, expected a scene"),
        ("s1_datetime", None, "s1_id and s1_datetime: one is null, the other is not"),
        ("s2_id", "COPERNICUS/S2_HARMONISED/20200115T100401_20200115T100401_T33TWL", NO_ID),
        ("s2_id", "COPERNICUS/S2_HARMONIZED/20201315T100401_20200115T100401_T33TWL", NO_ID),
        ("s1_id", "COPERNICUS/S1_GRD/S1A_IW_GRDH_1SDV_20200712", NO_ID),
        ("dw_id", "GOOGLE/DYNAMICWORLD/V1/20200715T100401_20200715T100401_T33TWL", "was not made from"),
        ("s2_datetime", datetime(2013, 7, 15, tzinfo=UTC), "expected 2015-06-23 to today"),
        ("s1_datetime", datetime.now(UTC) + timedelta(days=2), "expected 2014-04-03 to today"),
        ("label_source", "guesswork", "expected one of a store"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_told_with_its_row(
    ours: Any, changed: Changed, told: Told, column: str, value: Any, expected: str
) -> None:
    def change(rows: Rows) -> None:
        at(rows, 1, 2)[column] = value

    found = [line for line in told(index.check(changed(ours.run, change))) if expected in line]
    assert len(found) == 1
    assert column == "label_source" or found[0].startswith(ROW_1)


@pytest.mark.parametrize(("column", "hours"), [("s2_datetime", 2), ("s2_datetime", -24), ("s1_datetime", 1)])
def test_a_time_that_is_not_the_ids_is_told(ours: Any, changed: Changed, told: Told, column: str, hours: int) -> None:
    def change(rows: Rows) -> None:
        row = at(rows, 1, 2)
        row[column] += timedelta(hours=hours)

    found = [line for line in told(index.check(changed(ours.run, change))) if "is not that of" in line]
    assert len(found) == 1
    assert found[0].startswith(ROW_1)


def test_scenes_outside_the_recipes_seasons_are_told(ours: Any, changed: Changed, told: Told) -> None:
    tree = changed(ours.run, lambda rows: None)
    middles = ["2021-01-15", "2021-04-15", "2020-07-15", "2020-10-14"]
    seasons: dict[str, Any] = {"anchors": middles, "window_days": 5, "fallback_years": 1}
    within = replace(tree, provenance={"recipe": {"seasons": seasons}})
    assert list(index.check(within)) == []  # of 2020 all, as the year before in two seasons
    beyond = replace(tree, provenance={"recipe": {"seasons": seasons | {"fallback_years": 0}}})
    assert len([line for line in told(index.check(beyond)) if "outside the recipe's season 0" in line]) == 10
    later = replace(tree, provenance={"recipe": {"seasons": seasons | {"s1_tolerance_days": 1.5}}})
    assert len([line for line in told(index.check(later)) if "lies over 1.5 days from" in line]) == 20
    assert list(index.check(replace(tree, provenance={"recipe": {"seasons": {"anchors": 3}}}))) == []


def test_columns_types_and_nulls_are_told_and_nothing_else_is_tried(
    ours: Any, tmp_path: Any, copied: Callable[..., Any], open_published: Callable[..., PublishedTree], told: Told
) -> None:
    root = copied(ours.run)
    path = root / "manifest/index.parquet"
    table = pq.read_table(path)
    wrong = table.drop_columns(["cloud_pct"]).append_column("cloud", table["cloud_pct"])
    wrong = wrong.set_column(4, "row", table["row"].cast(pa.int32()))
    wrong = wrong.set_column(1, "season", pa.array([None, *table["season"].to_pylist()[1:]], pa.int64()))
    pq.write_table(wrong, path)
    tree = open_published(root)
    assert told(index.check(tree)) == [
        "manifest/index.parquet: lacks the column cloud_pct",
        "manifest/index.parquet: has an unknown column cloud",
        "manifest/index.parquet season: null in 1 rows, first in index row 0",
        "manifest/index.parquet row: holds int32, expected int64",
    ]
    for check in (footprints.check, duplicates.check, leakage.check):
        assert list(check(tree)) == []


def test_a_grid_other_than_the_stores_own_is_told(tiles_run: RunLayout, changed: Changed, told: Told) -> None:
    def shift(rows: Rows) -> None:
        rows[1]["geotransform"][2] += 10.0
        rows[2]["epsg"] = 32600 + rows[2]["epsg"] % 100 % 60 + 1

    found = told(f for f in index.check(changed(tiles_run, shift)) if "index-" not in f.where)
    assert len(found) == 2
    assert "row 2" in found[0]
    assert "but the store's array epsg holds" in found[0]
    assert "row 1" in found[1]
    assert "but the store's array geotransform holds" in found[1]


def test_the_splits_own_indices_hold_the_same_rows(
    tiles_run: RunLayout, copied: Callable[..., Any], open_published: Callable[..., PublishedTree], told: Told
) -> None:
    root = copied(tiles_run)
    train, test = (root / f"manifest/index-{split}.parquet" for split in ("train", "test"))
    pq.write_table(pq.read_table(train).slice(1), train)
    table = pq.read_table(test)
    clouds = pa.array([3.5, 4.5], pa.float64())
    pq.write_table(table.set_column(SCHEMA.names.index("cloud_pct"), "cloud_pct", clouds), test)
    assert told(index.check(open_published(root))) == [
        "manifest/index-test.parquet: cloud_pct of row 1 is 4.5, expected 3.5 of that split in index.parquet",
        "manifest/index-train.parquet: 3 rows, expected the 4 of that split in index.parquet",
    ]
    test.unlink()
    assert any("index-test.parquet: cannot be read" in line for line in told(index.check(open_published(root))))


def test_the_table_of_assets_names_the_scenes_of_the_index(
    ours: Any, copied: Callable[..., Any], open_published: Callable[..., PublishedTree], told: Told
) -> None:
    root = copied(ours.run)
    path = root / "manifest/assets.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)
    (line,) = told(index.check(open_published(root)))
    assert line.endswith(f"{table['asset_id'][0]}: is not there, but the index names this scene")
    count = pa.array([7, *table["rows"].to_pylist()[1:]], pa.int64())
    pq.write_table(table.set_column(5, "rows", count), path)
    (line,) = told(index.check(open_published(root)))
    assert line == "manifest/assets.parquet: rows of row 0 is 7, expected 1 of the scenes in index.parquet"
    pq.write_table(table.set_column(5, "rows", count.cast(pa.int32())).append_column("more", count), path)
    (line,) = told(index.check(open_published(root)))
    assert line.endswith(": has an unknown column more; rows holds int32, expected int64")
    pq.write_table(table.drop_columns("rows"), path)
    (line,) = told(index.check(open_published(root)))
    assert line.endswith(": lacks the column rows")


def test_what_was_dropped_is_not_in_the_set(
    ours: Any, copied: Callable[..., Any], open_published: Callable[..., PublishedTree], told: Told
) -> None:
    root = copied(ours.run)
    path = root / "manifest/dropped.parquet"
    row = {"location_id": ours.rows[2].location_id, "split": "pretrain", "stage": "quality", "reason": "clouds"}
    schema = pq.read_schema(path)
    other = row | {"split": "test"}
    pq.write_table(pa.Table.from_pylist([row | {"detail": ""}, other | {"detail": ""}], schema), path)
    (line,) = told(index.check(open_published(root)))
    assert line.startswith("manifest/index.parquet store/nol.zarr row 2 season 0")
    assert line.endswith(
        "is in the index, but manifest/dropped.parquet says that it was dropped by stage quality: clouds"
    )
    pq.write_table(pq.read_table(path).drop_columns("reason"), path)
    (line,) = told(index.check(open_published(root)))
    assert line == "manifest/dropped.parquet: lacks the columns reason"


def first(name: str, value: Any, kind: pa.DataType | None = None) -> Callable[[pa.Table], pa.Table]:
    """Another value in the first row of a column, which may become another type."""

    def change(table: pa.Table) -> pa.Table:
        values = pa.array([value, *table[name].to_pylist()[1:]], kind or table.schema.field(name).type)
        return table.set_column(table.schema.names.index(name), name, values)

    return change


def unlike_text(table: pa.Table) -> pa.Table:
    data = pa.array([b"\xff\xfe", *(text.encode() for text in table["s1_id"].to_pylist()[1:])], pa.binary())
    text = pa.Array.from_buffers(pa.string(), len(data), data.buffers())
    return table.set_column(table.schema.names.index("s1_id"), "s1_id", text)


def beyond_time(table: pa.Table) -> pa.Table:
    times = pa.array([2**62] * len(table), pa.int64()).cast(SCHEMA.field("s2_datetime").type)
    return table.set_column(table.schema.names.index("s2_datetime"), "s2_datetime", times)


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.slice(0, 0),
        lambda table: pa.table({"a": [1]}),
        lambda table: table.append_column("store", table["store"]),
        lambda table: table.replace_schema_metadata({b"geo": b'{"columns": []}'}),
        lambda table: table.replace_schema_metadata(
            {b"geo": table.schema.metadata[b"geo"].replace(b'"bbox": [', b'"bbox": ["a", ')}
        ),
        unlike_text,
        beyond_time,
        first("geotransform", [float("nan")] * 6),
        first("geotransform", [1e308] * 6),
        first("geotransform", [1.0]),
        first("row", 2**62),
        first("season", -(2**63)),
        first("epsg", 2**62),
        first("label_valid_frac", float("nan")),
        first("geometry", b"no WKB"),
        first("geometry", b""),
        first("bbox", None),
        first("store", "../../elsewhere"),
        first("location_id", "two\nlines \x1b[31m{x}"),
    ],
)
def test_no_index_whatever_it_holds_ends_a_verification_early(
    ours: Any, copied: Callable[..., Any], change: Callable[[pa.Table], pa.Table]
) -> None:
    root = copied(ours.run)
    path = root / "manifest/index.parquet"
    table = pq.read_table(path)
    changed = change(table)
    pq.write_table(changed.replace_schema_metadata(changed.schema.metadata or table.schema.metadata), path)
    report = verify(root, threads=1)
    assert report.counts["checksums"] == 1
    assert report.counts["index"] + report.counts["footprints"] >= 1
    assert all(text.isprintable() for finding in report.findings for text in (finding.where, finding.what))
