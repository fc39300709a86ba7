"""A rebuild is told from the original: nothing differs from itself, and every change is found where it was made."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import zarr

from pipeline.manifest.drift import Drift, compare
from pipeline.manifest.drift_lines import drift_lines
from pipeline.manifest.drift_side import open_side
from pipeline.schema.bands import S1_NODATA
from pipeline.schema.grid import PixelGrid
from pipeline.schema.landcover import IGNORE
from pipeline.schema.layout import RunLayout
from pipeline.tile_store import (
    TileStoreSettings,
    commit_tile_store,
    create_tile_store,
    tile_rows,
    write_tile_shard,
)

PX, SEASONS = 24, 4


@pytest.fixture
def other(ours: Any, tmp_path: Path) -> RunLayout:
    """A copy of the run of five locations, to be changed."""
    copy = tmp_path / "published"
    shutil.copytree(ours.run.root, copy)
    return RunLayout(copy)


@pytest.fixture
def drift(ours: Any, other: RunLayout) -> Callable[..., Drift]:
    """Compare the run with its changed copy, whose manifest was not written again: digests say nothing of it."""
    return lambda **options: compare(open_side(ours.run.root), open_side(other.root), **{"reread": True} | options)


def array(run: RunLayout, name: str) -> Any:
    return zarr.open_group(run.store("nol"), mode="r+")[name]


def change_index(run: RunLayout, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    change(pd.read_parquet(run.index)).to_parquet(run.index)


def test_a_data_set_does_not_differ_from_itself(drift: Callable[..., Drift], ours: Any) -> None:
    steps: list[tuple[int, int]] = []
    found = drift(on_location=lambda done, total: steps.append((done, total)))
    assert found.differs_in == ()
    assert (found.ids.shared, found.pixel_locations, found.grids.same) == (5, 5, 20)
    assert steps == [(n, 5) for n in range(1, 6)]
    assert {(b.pixels, b.equal) for b in found.bands} == {(5 * SEASONS * PX * PX,) * 2}
    assert len(found.bands) == 15
    assert found.labels[0].both + found.labels[0].neither == 5 * SEASONS * PX * PX
    lines = drift_lines(found)
    assert lines[-1] == "the same in all that could be compared"
    assert "labels     dw: 100 % equal of 11,480 pixels that both label; 0 ours only, 0 published only" in lines


def test_every_change_is_found_where_it_was_made(drift: Callable[..., Drift], other: RunLayout) -> None:
    dw, s1 = array(other, "dw"), array(other, "s1")
    labels = np.asarray(dw[2])
    before = labels.copy()
    labels[1, 5, :4] = (labels[1, 5, :4] + 1) % 9
    labels[3, 7, 0] = IGNORE
    labels[0, 0, 0] = 4
    dw[2] = labels
    radar = np.asarray(s1[0]).astype(int)
    s1[0] = np.clip(radar + np.array([0, 5])[:, None, None], 0, 255).astype(np.uint8)
    found = drift()
    assert found.differs_in == ("labels", "bands")
    (dw_drift,) = found.labels
    assert dw_drift.both - dw_drift.equal == 4
    assert (dw_drift.only_ours, dw_drift.only_published) == (1, 1)
    assert sum(pixels for _, _, pixels in dw_drift.changes) == 4
    assert all(published == (ours + 1) % 9 for ours, published, _ in dw_drift.changes)
    assert before[0, 0, 0] == IGNORE
    differing = {(b.array, b.band): b for b in found.bands if b.equal != b.pixels}
    assert list(differing) == [("s1", "VH")]
    vh = differing["s1", "VH"]
    moved = np.clip(radar[:, 1] + 5, 0, 255) - radar[:, 1]
    assert vh.largest == 5
    assert vh.mean == pytest.approx(-moved.sum() / vh.pixels)
    assert drift_lines(found)[-1] == "differs in labels, bands"


def test_other_rows_other_order_and_other_ids_are_no_matter(
    drift: Callable[..., Drift], other: RunLayout, ours: Any
) -> None:
    order = [3, 0, 4, 2, 1]
    for name in ("s2", "s1", "dw"):
        values = np.asarray(array(other, name)[:])
        array(other, name)[:] = values[order]
    where = {old: new for new, old in enumerate(order)}
    gone = ours.rows[1].location_id

    def change(index: pd.DataFrame) -> pd.DataFrame:
        index["row"] = index["row"].map(where)
        index.loc[index["location_id"] == gone, "location_id"] = "stranger"
        return index.sample(frac=1.0, random_state=0)

    change_index(other, change)
    found = drift()
    assert found.differs_in == ("ids",)
    assert (found.ids.missing, found.ids.extra, found.pixel_locations) == (("stranger",), (gone,), 4)
    assert {(b.equal, b.pixels) for b in found.bands} == {(4 * SEASONS * PX * PX,) * 2}


def test_pixels_of_the_same_scene_are_told_apart_from_those_of_another(
    drift: Callable[..., Drift], other: RunLayout, ours: Any
) -> None:
    elsewhere = ours.rows[0].location_id
    s2 = array(other, "s2")
    s2[ours.rows[0].row, 2] = 255 - np.asarray(s2[ours.rows[0].row, 2])

    def change(index: pd.DataFrame) -> pd.DataFrame:
        index.loc[(index["location_id"] == elsewhere) & (index["season"] == 2), "s2_id"] = "COPERNICUS/S2/another"
        return index

    change_index(other, change)
    found = drift()
    assert found.differs_in == ("scenes", "bands")
    whole, patch = 5 * SEASONS * PX * PX, PX * PX
    for band, same in zip(found.bands, found.bands_same_scene, strict=True):
        assert (band.pixels, same.pixels) == (whole, whole - patch if band.array == "s2" else whole)
        assert same.equal == same.pixels
        assert band.equal == (whole - patch if band.array == "s2" else whole), "255 - x is never x"
    assert 0 < found.labels_same_scene[0].both < found.labels[0].both
    lines = drift_lines(found)
    assert sum("where the scene is the same" in line for line in lines) == 2


def test_grids_that_begin_elsewhere_are_compared_on_the_ground_they_share(
    drift: Callable[..., Drift], other: RunLayout
) -> None:
    for name in ("s2", "s1", "dw"):
        values = np.asarray(array(other, name)[:])
        array(other, name)[:] = np.roll(values, (2, -3), axis=(-2, -1))

    def change(index: pd.DataFrame) -> pd.DataFrame:
        index["geotransform"] = [[a, b, x + 30.0, d, e, y + 20.0] for a, b, x, d, e, y in index["geotransform"]]
        return index

    change_index(other, change)
    found = drift()
    assert (found.grids.shifted, found.differs_in) == (20, ("grids",))
    assert {(b.equal, b.pixels) for b in found.bands} == {(5 * SEASONS * (PX - 2) * (PX - 3),) * 2}


def test_what_is_missing_is_told_and_the_rest_is_compared(
    drift: Callable[..., Drift], other: RunLayout, ours: Any
) -> None:
    ids = [row.location_id for row in ours.rows]
    shutil.rmtree(other.store("nol") / "s2")
    shard = other.store("nol") / "s1" / "c" / "1" / "0" / "0" / "0" / "0"
    data = bytearray(shard.read_bytes())
    data[len(data) // 3] ^= 0xFF
    shard.write_bytes(bytes(data))
    found = drift()
    missing = {m.what: m for m in found.missing}
    assert set(missing) == {"s2 in store/nol.zarr", "s1 in store/nol.zarr"}
    assert {m.side for m in found.missing} == {"published"}
    assert (missing["s2 in store/nol.zarr"].why, missing["s2 in store/nol.zarr"].locations) == ("not there", 5)
    assert missing["s1 in store/nol.zarr"].example in ids[2:4]
    assert found.labels[0].equal == found.labels[0].both > 0
    assert {b.array for b in found.bands} == {"s1"}
    assert "assets" in found.differs_in
    shutil.rmtree(other.store("nol"))
    gone = drift()
    assert [(m.what, m.why, m.locations) for m in gone.missing] == [("store/nol.zarr", "not there", 5)]
    assert (gone.labels, gone.bands, gone.pixel_locations) == ((), (), 0)


def test_some_locations_are_compared_where_so_asked(drift: Callable[..., Drift]) -> None:
    assert drift(locations=2).pixel_locations == 2
    assert drift(locations=0).labels == ()
    assert drift(locations=50).pixel_locations == 5


def test_a_list_of_ids_is_compared_as_far_as_it_goes(ours: Any, tmp_path: Path) -> None:
    ids = [row.location_id for row in ours.rows]
    (tmp_path / "ids.txt").write_text("\n".join([*ids[1:], "9999999"]))
    found = compare(open_side(ours.run.root), open_side(tmp_path / "ids.txt"))
    assert (found.differs_in, found.ids.missing, found.ids.extra) == (("ids",), ("9999999",), (ids[0],))
    lines = drift_lines(found)
    assert "           1 published are not ours: 9999999" in lines
    assert any("not compared" in line for line in lines)


def tile_run(root: Path, size_px: int, labels: tuple[str, ...], seed: int) -> Path:
    """Three tiles of 20 px in a store of padded ones, with the index's columns that count."""
    grids = {f"dw_{n}": PixelGrid(32633, 500_000.0 + n * 1000, 5_000_000.0, 20, 20) for n in range(3)}
    settings = TileStoreSettings(shard_rows=2, seed=seed)
    rows = tile_rows(list(grids.items()), seed, size_px)
    run = RunLayout(root)

    def read(row: Any) -> dict[str, Any]:
        rng = np.random.default_rng(int(row.tile_id[-1]))
        tile = {
            "s2": rng.integers(1, 9000, (13, 20, 20), dtype=np.uint16),
            "s1": rng.normal(-12, 4, (2, 20, 20)).astype(np.float32),
            "dw": rng.integers(0, 9, (20, 20), dtype=np.uint8),
        }
        tile["s1"][0, :2] = S1_NODATA
        return tile | {"osm": rng.integers(1, 14, (20, 20), dtype=np.uint8)}

    building = create_tile_store(run.store("dw_train"), rows, settings, "inputs", labels=labels)  # type: ignore[arg-type]
    shards = [write_tile_shard(building, n, rows[2 * n : 2 * n + 2], read, settings) for n in range(2)]
    commit_tile_store(run.store("dw_train"), shards)
    run.manifest.mkdir()
    pd.DataFrame(
        [
            {
                "location_id": r.tile_id,
                "season": 0,
                "store": "store/dw_train.zarr",
                "row": r.row,
                "epsg": r.grid.epsg,
                "geotransform": list(r.grid.affine),
            }
            for r in rows
        ]
    ).to_parquet(run.index)
    return root


def test_raw_tiles_are_compared_though_one_side_padded_them(tmp_path: Path) -> None:
    ours = tile_run(tmp_path / "ours", 20, ("dw",), 1)
    published = tile_run(tmp_path / "published", 22, ("dw", "osm"), 2)
    found = compare(open_side(ours), open_side(published))
    assert (found.grids.shifted, found.pixel_locations) == (3, 3)
    assert {(x.both, x.equal, x.only_published) for x in found.labels} == {(3 * 400, 3 * 400, 0)}
    pixels = {(b.array, b.band, b.unit): (b.pixels, b.equal) for b in found.bands}
    assert pixels.pop(("s1", "VV", "dB")) == (3 * 360, 3 * 360)
    assert set(pixels.values()) == {(3 * 400, 3 * 400)}
    assert [(m.side, m.what, m.locations) for m in found.missing] == [("ours", "osm in store/dw_train.zarr", 3)]
