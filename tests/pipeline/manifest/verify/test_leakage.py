"""Ground in two splits is found wherever it lies, also across zones and the date line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.leakage import Place
from pipeline.leakage import leakage as published_leakage
from pipeline.manifest.verify import leakage
from pipeline.manifest.verify.leakage import _near
from pipeline.manifest.verify.tree import PublishedTree
from pipeline.parts import write_part
from pipeline.sampling.neighbourhood import share_ground
from pipeline.schema.grid import PixelGrid, patch_grid
from pipeline.schema.layout import RunLayout
from pipeline.schema.osm_records import Nearness

Told = Callable[[Any], list[str]]
Changed = Callable[..., PublishedTree]


def test_a_location_in_two_splits_is_told(tiles_run: RunLayout, changed: Changed, told: Told) -> None:
    def rename(rows: list[dict[str, Any]]) -> None:
        test = next(row for row in rows if row["split"] == "test" and row["row"] == 1)
        test["location_id"] = next(row for row in rows if row["split"] == "train" and row["row"] == 2)["location_id"]

    (line,) = told(leakage.check(changed(tiles_run, rename)))
    assert line.startswith("manifest/index.parquet store/dw_t")
    assert "in split train, and in split test" in line or "in split test, and in split train" in line


@pytest.mark.parametrize(
    ("train", "test", "shared"),
    [
        ((7.0, 46.0), (7.002, 46.001), True),  # 220 m patches
        ((7.0, 46.0), (7.01, 46.0), False),
        ((5.9999, 46.0), (6.0001, 46.0), True),  # in two zones
        ((179.9999, 10.0), (-179.9999, 10.0), True),  # in two zones, across the date line
        ((-179.9999, 10.0), (-179.998, 10.0), True),  # one of them on the date line
        ((7.0, 0.0005), (7.0, -0.0005), True),  # in two hemispheres
        ((7.0, 0.0015), (7.0, -0.0015), False),
    ],
)  # fmt: skip
def test_patches_that_share_ground_are_told(
    make_dw_run: Callable[..., RunLayout],
    open_published: Callable[..., PublishedTree],
    told: Told,
    tmp_path: Path,
    train: tuple[float, float],
    test: tuple[float, float],
    shared: bool,
) -> None:
    run = make_dw_run(tmp_path / "run", {"a": train, "far": (100.0, 50.0)}, {"b": test})
    found = told(leakage.check(open_published(run.root)))
    assert len(found) == shared
    if shared:
        assert found[0].startswith("manifest/index.parquet store/dw_t")
        assert "shares ground with" in found[0]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-0.06, 0.06), st.floats(-0.03, 0.03), st.sampled_from([24, 264])), min_size=2, max_size=12
    ),
    st.sampled_from([(6.0, 46.0), (-180.0, 60.0), (180.0, -40.0), (9.0, 0.0), (42.0, 79.5), (3.0, 60.0)]),
)
def test_whatever_shares_ground_is_looked_at(
    offsets: list[tuple[float, float, int]], middle: tuple[float, float]
) -> None:
    """Around zone edges, the date line, the equator, Norway and the north, against every pair."""
    grids: list[PixelGrid] = []
    for dx, dy, px in offsets:
        lon = (middle[0] + dx + 180.0) % 360.0 - 180.0
        grids.append(patch_grid(lon, middle[1] + dy, px))
    near = set(_near(grids))
    for i, one in enumerate(grids):
        for j in range(i + 1, len(grids)):
            if share_ground(one, grids[j]):
                assert (i, j) in near


def table(path: Path, sets: dict[str, list[Place]], **replaced: Any) -> None:
    (row,) = published_leakage(sets, 5_500.0)
    write_part(path, Nearness, [Nearness(**{**row.__dict__, **replaced})], "inputs")


def test_the_published_table_is_held_against_the_index(
    tiles_run: RunLayout,
    copied: Callable[..., Path],
    open_published: Callable[..., PublishedTree],
    told: Told,
) -> None:
    root = copied(tiles_run)
    path = root / "manifest/leakage.parquet"
    index = pq.read_table(tiles_run.index).to_pylist()
    centres = {"dw_a": (7.0, 46.0), "dw_b": (7.5, -40.0), "dw_c": (-179.9995, 60.0), "dw_d": (8.0, 46.0),
               "dw_t": (11.0, 5.0), "dw_u": (12.0, 6.0)}  # fmt: skip
    sets = {
        name: [Place(r["location_id"], centres[r["location_id"]]) for r in index if r["split"] == name.split("_")[1]]
        for name in ("dw_train", "dw_test")
    }
    write_part(path, Nearness, [], "inputs")
    (line,) = told(leakage.check(open_published(root)))
    assert line == "manifest/leakage.parquet: has no row for dw_test and dw_train"
    (row,) = published_leakage(sets, 5_500.0)
    table(path, sets, nearest_m=row.nearest_m + 20.0)
    (line,) = told(leakage.check(open_published(root)))
    assert line.startswith("manifest/leakage.parquet dw_train and dw_test: nearest_m is")
    table(path, sets, first_count=5, near=1, same=2)
    found = told(leakage.check(open_published(root)))
    assert [line.rpartition(": ")[2] for line in found] == [
        "counts 5 of dw_train, the index has 4", "same is 2, by the index 0", "near is 1, by the index 0",
    ]  # fmt: skip
