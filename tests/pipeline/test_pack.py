import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorstore
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.content import DIGEST_ATTRIBUTE
from pipeline.manifest.digest import content_digest
from pipeline.pack import (
    StoreSettings,
    commit_store,
    create_store,
    missing_shards,
    n_shards,
    pack_shard,
    shard_present,
    shard_rows,
    store_inputs,
    store_order,
)
from pipeline.scaling import StoreScaling
from pipeline.schema.bands import S1_BANDS, S1_NODATA, S1_SCALING, S2_BANDS, S2_SCALING, Scaling
from pipeline.schema.errors import NoldoError
from pipeline.schema.records import Patch, StoreRow
from pipeline.staging import write_tiles
from pipeline.store_arrays import ARRAY_NAMES, stored_scaling

TWO = StoreSettings(shard_rows=2)

KEPT = st.lists(st.text(max_size=6), unique=True, max_size=30).map(
    lambda ids: [(i, at // 4, at % 4) for at, i in enumerate(ids)]
)


def arrays_of(store: Path) -> dict[str, Any]:
    group = zarr.open_group(store, mode="r")
    return {name: group[name] for name in ARRAY_NAMES}


@settings(max_examples=40, deadline=None)
@given(kept=KEPT, seed=st.integers(0, 2**40), shuffle=st.randoms(use_true_random=False), parts=st.integers(1, 7))
def test_the_order_depends_on_seed_and_ids_alone(kept: list[Any], seed: int, shuffle: Any, parts: int) -> None:
    rows = store_order(kept, seed)
    assert [r.row for r in rows] == list(range(len(kept)))
    assert sorted((r.location_id, r.tile_part, r.tile_row) for r in rows) == sorted(kept)
    other = [(i, at // parts, at % parts) for at, (i, _, _) in enumerate(kept)]
    shuffle.shuffle(other)
    assert [r.location_id for r in store_order(other, seed)] == [r.location_id for r in rows]
    fewer = [k for k in kept if len(k[0]) % 2]
    assert [r.location_id for r in store_order(fewer, seed)] == [r.location_id for r in rows if len(r.location_id) % 2]


def test_the_order_is_a_shuffle_that_the_seed_changes() -> None:
    kept = [(f"{at:04d}", 0, at) for at in range(400)]
    orders = [[int(r.location_id) for r in store_order(kept, seed)] for seed in (0, 1)]
    assert orders[0] != orders[1]
    for order in orders:
        # Both halves of the ids come evenly in both halves of the order: 100 expected, sigma 5.
        assert 70 < sum(at < 200 for at in order[:200]) < 130


def test_the_order_of_published_seeds_never_changes() -> None:
    # From the shell: printf 0:a | sha256sum, and so on, sorted.
    assert [r.location_id for r in store_order([(c, 0, 0) for c in "abcdef"], 0)] == list("fdacbe")


def test_an_id_that_comes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="comes twice"):
        store_order([("a", 0, 0), ("a", 1, 0)], 0)


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 50), size=st.integers(1, 60))
def test_shards_cover_every_row_once(count: int, size: int) -> None:
    rows = [StoreRow(at, str(at), 0, at) for at in range(count)]
    setting = StoreSettings(shard_rows=size)
    shards = [shard_rows(rows, shard, setting) for shard in range(n_shards(count, setting))]
    assert [r for shard in shards for r in shard] == rows
    assert all(0 < len(shard) <= size for shard in shards)


def test_the_store_holds_the_scaled_patches_in_order(packed: Any) -> None:
    arrays = arrays_of(packed.store)
    for row in packed.rows:
        patch = packed.patches[row.location_id]
        assert np.array_equal(arrays["s2"][row.row], S2_SCALING.to_uint8(patch.s2))
        assert np.array_equal(arrays["s1"][row.row], S1_SCALING.to_uint8(patch.s1))
        assert np.array_equal(arrays["dw"][row.row], patch.dw)
    assert {p.name for p in packed.store.parent.iterdir()} == {"nol.zarr", ".nol.zarr.inputs"}
    assert store_inputs(packed.store) == "inputs"
    assert zarr.open_group(packed.store, mode="r").attrs[DIGEST_ATTRIBUTE] == packed.store_digest


def test_another_library_reads_the_same_values_and_no_chunk_is_left_out(packed: Any) -> None:
    for name, array in arrays_of(packed.store).items():
        kvstore = {"driver": "file", "path": str(packed.store / name)}
        spec = {"driver": "zarr3", "kvstore": kvstore, "fill_missing_data_reads": False}
        other = tensorstore.open(spec, read=True).result().read().result()
        assert np.array_equal(other, array[:])


def test_a_chunk_of_the_fill_value_is_stored(tmp_path: Path, make_patch: Any) -> None:
    blank = make_patch("loc", dw=np.full((4, 24, 24), 255, np.uint8))
    write_tiles(tmp_path / "tiles", [blank], "inputs")
    building = create_store(tmp_path / "nol.zarr", 1, TWO, "inputs", patch_px=24)
    pack_shard(building, 0, store_order([("loc", 0, 0)], 0), lambda part: tmp_path / "tiles", TWO)
    spec = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": str(building / "dw")},
        "fill_missing_data_reads": False,
    }
    assert (tensorstore.open(spec, read=True).result().read().result() == 255).all()


def test_unobserved_pixels_are_scaled_as_documented(tmp_path: Path, make_patch: Callable[..., Patch]) -> None:
    patch = make_patch("loc")
    s2, s1 = patch.s2.copy(), patch.s1.copy()
    s2[0, :, 0, 0] = 0
    s1[0, :, 0, 0], s1[0, :, 0, 1] = S1_NODATA, np.nan
    write_tiles(tmp_path / "tiles", [replace(patch, s2=s2, s1=s1)], "inputs")
    building = create_store(tmp_path / "nol.zarr", 1, TWO, "inputs", patch_px=24)
    pack_shard(building, 0, store_order([("loc", 0, 0)], 0), lambda part: tmp_path / "tiles", TWO)
    arrays = arrays_of(building)
    assert arrays["s1"][0, 0, :, 0, :2].tolist() == [[0, 0], [0, 0]]
    black = arrays["s2"][0, 0, :, 0, 0]
    assert np.array_equal(black, S2_SCALING.to_uint8(np.zeros((13, 1, 1), np.uint16))[:, 0, 0])
    assert np.flatnonzero(black == 0).tolist() == [0]


def test_packing_twice_and_other_parts_make_the_same_bytes(
    tmp_path: Path, make_packed: Any, tree_bytes: Callable[[Path], dict[str, bytes]]
) -> None:
    first = make_packed(tmp_path / "a", part_locations=2)
    for root, parts in (("b", 2), ("c", 5), ("d", 1)):
        other = make_packed(tmp_path / root, part_locations=parts)
        assert tree_bytes(other.store) == tree_bytes(first.store)
        assert other.shards == first.shards
    again = tree_bytes(first.store)
    pack_shard(first.store, 1, shard_rows(first.rows, 1, TWO), first.run.tile, TWO)
    assert tree_bytes(first.store) == again


@pytest.mark.parametrize("array", ARRAY_NAMES)
def test_a_flipped_byte_in_a_shard_raises(packed: Any, array: str) -> None:
    (shard,) = [p for p in (packed.store / array / "c" / "1").rglob("*") if p.is_file()]
    whole = shard.read_bytes()
    index_bytes = 2 * (1 if array == "dw" else 4) * 16 + 4
    for at in (0, (len(whole) - index_bytes) // 2, len(whole) - index_bytes - 1, len(whole) - 1):
        raw = bytearray(whole)
        raw[at] ^= 1
        shard.write_bytes(raw)
        with pytest.raises((ValueError, RuntimeError)):
            arrays_of(packed.store)[array][2:4]


def test_what_does_not_read_back_is_refused(packed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read = zarr.Array.__getitem__

    def wrong(self: zarr.Array[Any], selection: Any) -> Any:
        values = np.array(read(self, selection))
        if self.basename == "s1":
            values.flat[7] ^= 1
        return values

    building = create_store(packed.store, 5, TWO, "other", patch_px=24)
    monkeypatch.setattr(zarr.Array, "__getitem__", wrong)
    tiles = {part: packed.run.tile(part) for part in range(3)}
    with monkeypatch.context() as patched:
        patched.setattr("pipeline.pack.read_tiles", lambda path, rows: [packed.patches["loc000"]])
        row = StoreRow(0, "loc000", 0, 0)
        with pytest.raises(NoldoError, match=r"s1: row 0 reads back other than it was written"):
            pack_shard(building, 0, [row], tiles.__getitem__, TWO)


def test_rows_of_another_shard_or_another_location_are_refused(packed: Any) -> None:
    building = create_store(packed.store, 5, TWO, "other", patch_px=24)
    for wrong in (packed.rows[0:2], packed.rows[3:5], []):
        with pytest.raises(ValueError, match="shard 1 takes the rows from 2 on"):
            pack_shard(building, 1, wrong, packed.run.tile, TWO)
    swapped = [replace(packed.rows[0], location_id="elsewhere"), packed.rows[1]]
    with pytest.raises(NoldoError, match="expected elsewhere; delete it and run the build again"):
        pack_shard(building, 0, swapped, packed.run.tile, TWO)


def test_a_store_begun_goes_on_for_the_same_inputs_only(packed: Any) -> None:
    building = create_store(packed.store, 5, TWO, "next", patch_px=24)
    assert building != packed.store
    pack_shard(building, 0, packed.rows[:2], packed.run.tile, TWO)
    assert create_store(packed.store, 5, TWO, "next", patch_px=24) == building
    assert shard_present(building, 0)
    assert not shard_present(building, 1)
    create_store(packed.store, 5, TWO, "another", patch_px=24)
    assert not shard_present(building, 0)
    assert store_inputs(packed.store) == "inputs"


def test_a_store_that_lacks_a_shard_or_its_record_is_not_committed(packed: Any) -> None:
    building = create_store(packed.store, 5, TWO, "next", patch_px=24)
    for shard in range(3):
        pack_shard(building, shard, shard_rows(packed.rows, shard, TWO), packed.run.tile, TWO)
    with pytest.raises(NoldoError, match="shard 1 has no record of 2 rows"):
        commit_store(packed.store, [packed.shards[0], packed.shards[2]])
    shutil.rmtree(building / "dw" / "c" / "2")
    with pytest.raises(NoldoError, match="shard 2 is not there"):
        commit_store(packed.store, packed.shards)
    assert store_inputs(packed.store) == "inputs"
    pack_shard(building, 2, shard_rows(packed.rows, 2, TWO), packed.run.tile, TWO)
    (building / "dw" / "c" / "0" / "x.1234.partial").write_bytes(b"killed while writing")
    assert commit_store(packed.store, packed.shards[::-1]) == packed.store_digest
    assert store_inputs(packed.store) == "next"
    assert not list(packed.run.root.rglob("*.partial"))
    assert {p.name for p in packed.store.parent.iterdir()} == {"nol.zarr", ".nol.zarr.inputs"}


def test_probabilities_lie_in_the_store_beside_the_labels(tmp_path: Path, make_packed: Any) -> None:
    packed = make_packed(tmp_path, probabilities=True)
    array = zarr.open_group(packed.store, mode="r")["dw_prob"]
    assert (array.shape, array.chunks, array.shards) == ((5, 4, 9, 24, 24), (1, 1, 9, 24, 24), (2, 4, 9, 24, 24))
    for row in packed.rows:
        assert np.array_equal(array[row.row], packed.patches[row.location_id].dw_prob)
    assert [len(shard.dw_prob_digests) for shard in packed.shards] == [2, 2, 1]
    found = content_digest(packed.store, None)
    assert found.store == packed.store_digest
    assert dict(found.arrays).keys() == {"s2", "s1", "dw", "dw_prob"}
    (packed.store / "dw_prob" / "c" / "1" / "0" / "0" / "0" / "0").unlink()
    assert [shard_present(packed.store, shard) for shard in range(3)] == [True, False, True]
    assert missing_shards(packed.store, 3) == [1]


def test_a_store_that_wants_probabilities_refuses_patches_without(packed: Any) -> None:
    building = create_store(packed.store, 5, TWO, "other", patch_px=24, probabilities=True)
    with pytest.raises(NoldoError, match="holds no probabilities of loc"):
        pack_shard(building, 0, packed.rows[:2], packed.run.tile, TWO)


@settings(max_examples=12, deadline=None)
@given(
    count=st.integers(1, 7),
    size=st.integers(1, 8),
    patch_px=st.sampled_from([3, 8]),
    probabilities=st.booleans(),
    codec=st.sampled_from(["lz4", "zstd"]),
)
def test_every_shard_holds_the_chunks_that_its_rows_need(
    tmp_path_factory: Any, count: int, size: int, patch_px: int, probabilities: bool, codec: Any
) -> None:
    chosen = StoreSettings(shard_rows=size, codec=codec)
    final = tmp_path_factory.mktemp("store") / "nol.zarr"
    building = create_store(final, count, chosen, "x", patch_px=patch_px, probabilities=probabilities)
    shards = n_shards(count, chosen)
    names = [*ARRAY_NAMES, "dw_prob"] if probabilities else list(ARRAY_NAMES)
    assert missing_shards(building, shards) == list(range(shards))
    group = zarr.open_group(building, mode="r+")
    rng = np.random.default_rng(count)
    for name in names:
        array = group[name]
        values = rng.integers(0, 256, array.shape, dtype=np.uint8)
        array[:] = values
        files = [p for p in (building / name / "c").rglob("*") if p.is_file()]
        assert len(files) == shards
        # A shard's index: 16 bytes a chunk, of rows that are not there too, and 4 of checksum.
        chunks = size * int(np.prod(np.array(array.shape[1:]) // np.array(array.chunks[1:])))
        (last,) = [p for p in files if p.relative_to(building / name).parts[1] == str(shards - 1)]
        index = np.frombuffer(last.read_bytes()[-16 * chunks - 4 : -4], "<u8").reshape(size, -1, 2)
        missing = (index == 2**64 - 1).all(axis=-1)
        assert missing.any(axis=1).tolist() == [at >= (count - 1) % size + 1 for at in range(size)]
        assert np.array_equal(zarr.open_group(building, mode="r")[name][:], values)
    assert missing_shards(building, shards) == []


def test_the_store_is_scaled_by_what_its_attributes_state(tmp_path: Path, packed: Any) -> None:
    own = StoreScaling(
        Scaling(S2_BANDS, (3000.0,) * 13, (1700.0,) * 13, 1.5, source="own"),
        Scaling(S1_BANDS, (-14.0, -14.5), (6.0, 6.5), 1.5, source="own"),
    )
    building = create_store(packed.store, 5, TWO, "other", patch_px=24, scaling=own)
    pack_shard(building, 0, packed.rows[:2], packed.run.tile, TWO)
    arrays = arrays_of(building)
    for row in packed.rows[:2]:
        patch = packed.patches[row.location_id]
        assert np.array_equal(arrays["s2"][row.row], own.s2.to_uint8(patch.s2))
        assert np.array_equal(arrays["s1"][row.row], own.s1.to_uint8(patch.s1))
    assert stored_scaling(arrays) == own


@pytest.mark.parametrize("array", ["s2", "s1", "dw"])
def test_a_damaged_staged_row_is_told_by_its_file_and_nothing_is_recorded(packed: Any, array: str) -> None:
    row = packed.rows[1]
    (chunk,) = (packed.run.tile(row.tile_part) / array).glob(f"c.{row.tile_row}.*")
    raw = bytearray(chunk.read_bytes())
    raw[len(raw) // 2] ^= 1
    chunk.write_bytes(raw)
    building = create_store(packed.store, 5, TWO, "other", patch_px=24)
    with pytest.raises(NoldoError) as found:
        pack_shard(building, 0, packed.rows[:2], packed.run.tile, TWO)
    assert str(packed.run.tile(row.tile_part)) in str(found.value)
    assert f"row {row.tile_row}" in str(found.value)
    assert not shard_present(building, 0)


def test_a_shard_interrupted_in_any_array_is_made_again_to_the_same_bytes(
    packed: Any, monkeypatch: pytest.MonkeyPatch, tree_bytes: Callable[[Path], dict[str, bytes]]
) -> None:
    wanted = tree_bytes(packed.store)
    for name in ARRAY_NAMES:
        building = create_store(packed.store, 5, TWO, "again", patch_px=24)
        write = zarr.Array.__setitem__

        def die(self: Any, selection: Any, value: Any, write: Any = write, name: str = name) -> None:
            if self.basename == name:
                raise KeyboardInterrupt
            write(self, selection, value)

        with monkeypatch.context() as patched:
            patched.setattr(zarr.Array, "__setitem__", die)
            with pytest.raises(KeyboardInterrupt):
                pack_shard(building, 1, packed.rows[2:4], packed.run.tile, TWO)
        assert not shard_present(building, 1)
        assert create_store(packed.store, 5, TWO, "again", patch_px=24) == building
    shards = [pack_shard(building, s, shard_rows(packed.rows, s, TWO), packed.run.tile, TWO) for s in range(3)]
    assert commit_store(packed.store, shards) == packed.store_digest
    assert tree_bytes(packed.store) == wanted


def test_a_commit_interrupted_after_the_statistics_is_made_again(packed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    building = create_store(packed.store, 5, TWO, "next", patch_px=24)
    shards = [pack_shard(building, s, shard_rows(packed.rows, s, TWO), packed.run.tile, TWO) for s in range(3)]
    with monkeypatch.context() as patched:
        patched.setattr("pipeline.pack.finish_folder", lambda path: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            commit_store(packed.store, shards)
    assert store_inputs(packed.store) == "inputs"
    assert commit_store(packed.store, shards) == packed.store_digest
    assert store_inputs(packed.store) == "next"
