"""Chunks decoded from shards equal what zarr-python reads; what is of another make is left alone."""

import json
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec

from pipeline.schema.errors import NoldoError
from training import shards
from training.shards import open_sharded

CODECS = (BloscCodec(cname="lz4", shuffle="noshuffle"), Crc32cCodec())


def written(path: Path, rows: int, shard_rows: int, seasons: int, codecs: tuple[object, ...] = CODECS) -> np.ndarray:
    values = np.random.default_rng(rows).integers(0, 256, size=(rows, seasons, 2, 5, 7), dtype=np.uint8)
    array = zarr.create_array(
        path, shape=values.shape, chunks=(1, 1, 2, 5, 7), shards=(shard_rows, seasons, 2, 5, 7), dtype="uint8",
        compressors=list(codecs), filters=None,
    )  # fmt: skip
    array[:] = values
    return values


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(1, 9), shard_rows=st.integers(1, 4), seasons=st.integers(1, 4))
def test_every_chunk_of_every_row(
    tmp_path_factory: pytest.TempPathFactory, rows: int, shard_rows: int, seasons: int
) -> None:
    path = tmp_path_factory.mktemp("array") / "s1"
    values = written(path, rows, shard_rows, seasons)
    array = open_sharded(path)
    assert array is not None
    assert array.chunks_a_row == seasons
    target = np.empty((2, 5, 7), np.uint8)
    for row in range(rows):
        for season in range(seasons):
            array.read_into(row, season, target)
            np.testing.assert_array_equal(target, values[row, season])


@pytest.mark.parametrize("compiled", [True, False])
def test_chunks_of_some_rows_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled: bool) -> None:
    """What compiled code cannot read, be it all, Python does."""
    if not compiled:
        monkeypatch.setattr(shards, "read_compiled", lambda extents, target: range(len(extents)))
    values = written(tmp_path / "s1", 9, 4, 3)
    array = open_sharded(tmp_path / "s1")
    assert array is not None
    rows, chunks = [8, 0, 3, 0, 5], [2, 1, 0, 0, 2]
    target = np.empty((5, 2, 5, 7), np.uint8)
    array.begin_rows(rows, chunks)(target)
    np.testing.assert_array_equal(target, values[rows, chunks])


def test_of_some_rows_the_damaged_one_is_named(tmp_path: Path) -> None:
    written(tmp_path / "s1", 8, 4, 1)
    array = open_sharded(tmp_path / "s1")
    assert array is not None
    file, start, _ = array._extent(6, 0)
    with (tmp_path / "s1" / file).open("r+b") as shard:
        shard.seek(start + 30)
        byte = shard.read(1)[0]
        shard.seek(start + 30)
        shard.write(bytes([byte ^ 1]))
    target = np.empty((3, 2, 5, 7), np.uint8)
    array.begin_rows([1, 5, 7], [0, 0, 0])(target)
    with pytest.raises(NoldoError, match=rf"row 6 \(its checksum \(crc32c\) does not fit\)\nRestore .*/{file}"):
        array.begin_rows([1, 6, 7], [0, 0, 0])(target)


@pytest.mark.parametrize("compiled", [True, False])
def test_a_chunk_of_fewer_values_than_the_store_says_is_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled: bool
) -> None:
    """All checksums fit; a target filled in part would keep what lay in its memory before."""
    if not compiled:
        monkeypatch.setattr(shards, "read_compiled", lambda extents, target: range(len(extents)))
    written(tmp_path / "s1", 4, 4, 1)
    description = tmp_path / "s1" / "zarr.json"
    stated = json.loads(description.read_text())
    grid, sharding = stated["chunk_grid"]["configuration"], stated["codecs"][0]["configuration"]
    for shape in (stated["shape"], grid["chunk_shape"], sharding["chunk_shape"]):
        shape[-1] = 8
    description.write_text(json.dumps(stated))
    array = open_sharded(tmp_path / "s1")
    assert array is not None
    with pytest.raises(NoldoError, match=r"row 2 \(it holds 70 bytes, expected 80\)"):
        array.begin_rows([2], [0])(np.zeros((1, 2, 5, 8), np.uint8))


def test_a_chunk_that_was_never_written_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "s1"
    array = zarr.create_array(
        path, shape=(4, 1, 2), chunks=(1, 1, 2), shards=(4, 1, 2), dtype="uint8", compressors=list(CODECS),
        filters=None,
    )  # fmt: skip
    array[0] = 1
    opened = open_sharded(path)
    assert opened is not None
    with pytest.raises(NoldoError, match="row 2 "):
        opened.read_into(2, 0, np.empty((1, 2), np.uint8))
    with pytest.raises(NoldoError, match="row 2 "):
        opened.begin_rows([0, 2], [0, 0])(np.empty((2, 1, 2), np.uint8))


@pytest.mark.parametrize("cut", [10, 1000])
def test_a_shard_cut_short_is_damage(tmp_path: Path, cut: int) -> None:
    written(tmp_path / "s1", 4, 4, 4)
    shard = next(p for p in (tmp_path / "s1" / "c").rglob("*") if p.is_file())
    shard.write_bytes(shard.read_bytes()[:-cut])
    array = open_sharded(tmp_path / "s1")
    assert array is not None
    with pytest.raises(NoldoError, match="index does not fit"):
        array.read_into(0, 0, np.empty((2, 5, 7), np.uint8))


def test_other_codecs_and_other_types_are_left_to_tensorstore(tmp_path: Path) -> None:
    written(tmp_path / "zstd", 2, 2, 2, (ZstdCodec(), Crc32cCodec()))
    assert open_sharded(tmp_path / "zstd") is None
    written(tmp_path / "plain", 2, 2, 2, CODECS[:1])
    assert open_sharded(tmp_path / "plain") is None
    written(tmp_path / "wide", 2, 2, 2)
    document = json.loads((tmp_path / "wide" / "zarr.json").read_text())
    (tmp_path / "wide" / "zarr.json").write_text(json.dumps({**document, "data_type": "uint16"}))
    assert open_sharded(tmp_path / "wide") is None
    assert open_sharded(tmp_path / "nothing") is None
