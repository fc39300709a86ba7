from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.manifest.digest import content_digest
from pipeline.parts import read_part, write_part
from pipeline.schema.errors import NoldoError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.observed import s1_observed, s2_observed
from pipeline.schema.tiles import TileShardRecord
from pipeline.tile_arrays import pad_tile
from pipeline.tile_store import (
    TileStoreSettings,
    commit_tile_store,
    create_tile_store,
    missing_tile_shards,
    tile_rows,
    tile_shard_present,
    tile_shard_rows,
    write_tile_shard,
)

TWO = TileStoreSettings(shard_rows=2)
GRID = PixelGrid(32633, 500_000.0, 5_000_000.0, 6, 6)


@settings(max_examples=30, deadline=None)
@given(ids=st.lists(st.text(max_size=5), unique=True, max_size=12), seed=st.integers(0, 9), data=st.data())
def test_rows_have_one_size_and_an_order_of_their_own(ids: list[str], seed: int, data: st.DataObject) -> None:
    tiles = [(i, PixelGrid(32601, 0.0, 0.0, px, px)) for i in ids for px in [data.draw(st.sampled_from([510, 512]))]]
    rows = tile_rows(tiles, seed)
    assert [r.row for r in rows] == list(range(len(ids)))
    assert sorted(r.tile_id for r in rows) == sorted(ids)
    assert [r.tile_id for r in tile_rows(data.draw(st.permutations(tiles)), seed)] == [r.tile_id for r in rows]
    largest = max((grid.width_px for _, grid in tiles), default=0)
    assert {r.grid.width_px for r in rows} <= {largest}


def test_the_order_of_published_seeds_never_changes() -> None:
    # From the shell: printf 0:a | sha256sum, and so on, sorted.
    assert [r.tile_id for r in tile_rows([(c, GRID) for c in "abcdef"], 0)] == list("fdacbe")


def test_ids_and_sizes_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="comes twice"):
        tile_rows([("a", GRID), ("a", GRID)], 0)
    with pytest.raises(ValueError, match="does not fit into 5"):
        tile_rows([("a", GRID)], 0, 5)
    with pytest.raises(ValueError, match="no tiles"):
        create_tile_store(tmp_path / "x.zarr", [], TWO, "i")


@pytest.mark.parametrize("labels", [("dw",), ("dw", "osm"), ("dfc",)])
def test_the_digest_while_writing_is_that_of_what_lies_there(
    tmp_path: Path, make_packed_tiles: Any, labels: Any
) -> None:
    made = make_packed_tiles(tmp_path, labels=labels)
    for store in made.stores:
        path = made.run.store(store.name)
        assert content_digest(path, None).store == zarr.open_group(path, mode="r").attrs["content_digest"]
        counts = zarr.open_group(path, mode="r").attrs["class_count"]
        for name in labels:
            written = np.asarray(zarr.open_group(path, mode="r")[name][:])
            assert sum(counts[name].values()) == written.size
            assert counts[name]["no label"] == (written == 255).sum()


def test_neither_shards_nor_codec_change_the_content(tmp_path: Path, make_packed_tiles: Any) -> None:
    digests = set()
    for at, one in enumerate((TWO, TileStoreSettings(shard_rows=1, codec="zstd"), TileStoreSettings())):
        made = make_packed_tiles(tmp_path / str(at), one)
        digests.add(tuple(content_digest(made.run.store(s.name), None).store for s in made.stores))
    assert len(digests) == 1


def test_what_a_shard_records_is_what_it_holds(tmp_path: Path, make_packed_tiles: Any, make_tile: Any) -> None:
    made = make_packed_tiles(tmp_path, labels=("dw", "osm"))
    store = made.stores[1]
    group = zarr.open_group(made.run.store(store.name), mode="r")
    for row in store.rows:
        own = made.grids[row.tile_id]
        tile, grid = pad_tile(make_tile(row.tile_id, own.width_px, ("dw", "osm")), own, 32)
        assert (int(group["epsg"][row.row]), tuple(group["geotransform"][row.row])) == (grid.epsg, grid.affine)
        np.testing.assert_array_equal(group["ignore"][row.row], tile["osm"] == 255)
    (record,) = store.shards
    s2, s1 = np.asarray(group["s2"][:]), np.asarray(group["s1"][:])
    for band in range(13):
        seen = s2[:, band][s2_observed(s2)].astype(float)
        assert record.s2_sums[band].pixels == seen.size == 30 * 30 + 32 * 32
        assert record.s2_sums[band].total == seen.sum()
    np.testing.assert_allclose(record.s1_sums[1].total, s1[:, 1][s1_observed(s1)].sum(dtype=float), rtol=1e-6)
    assert record.labelled_px == tuple((group["ignore"][:] == 0).sum(axis=(1, 2)))
    path = tmp_path / "part.parquet"
    write_part(path, TileShardRecord, [record], "i")
    assert read_part(path, TileShardRecord) == [record]


def test_a_store_goes_on_where_it_was_left(tmp_path: Path, make_tile: Any) -> None:
    rows = tile_rows([(c, GRID) for c in "abcde"], 0)
    final = tmp_path / "dw.zarr"

    def write(shard: int) -> TileShardRecord:
        building = create_tile_store(final, rows, TWO, "i")
        return write_tile_shard(
            building, shard, tile_shard_rows(rows, shard, TWO), lambda row: make_tile(row.tile_id, 6), TWO
        )

    records = [write(2)]
    building = create_tile_store(final, rows, TWO, "i")
    assert missing_tile_shards(building, 3) == [0, 1]
    assert tile_shard_present(building, 2)
    with pytest.raises(NoldoError, match="shard 0 has no record of 2 rows"):
        commit_tile_store(final, records)
    records += [write(0), write(1)]
    assert records[0] == write(2)
    (building / "s1" / "c" / "1" / "0" / "0" / "0").unlink()
    with pytest.raises(NoldoError, match="shard 1 is not there"):
        commit_tile_store(final, records)
    assert not final.exists()
    write(1)
    commit_tile_store(final, records)
    assert not building.exists()
    assert content_digest(final, None).rows == 5


def test_tiles_that_do_not_fit_are_told(tmp_path: Path, make_tile: Any) -> None:
    rows = tile_rows([("a", GRID)], 0)
    building = create_tile_store(tmp_path / "dw.zarr", rows, TWO, "i")
    good = make_tile("a", 6)
    wrong = {
        "no 'dw'": {"s1": good["s1"], "s2": good["s2"]},
        "'s2' is int64": good | {"s2": good["s2"].astype(np.int64)},
        "'s1' is float32 .*3, 6, 6": good | {"s1": np.zeros((3, 6, 6), np.float32)},
        "holds 9, which is no class": good | {"dw": np.full((6, 6), 9, np.uint8)},
        "'s2' is uint16 .*7, 7": make_tile("a", 7),
    }
    for message, tile in wrong.items():
        with pytest.raises(NoldoError, match=message):
            write_tile_shard(building, 0, rows, lambda _, tile=tile: tile, TWO)
    assert missing_tile_shards(building, 1) == [0]
    with pytest.raises(ValueError, match="takes the rows from 2 on"):
        write_tile_shard(building, 1, rows, lambda _: good, TWO)
