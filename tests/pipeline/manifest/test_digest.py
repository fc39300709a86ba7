import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.manifest import digest as digest_module
from pipeline.manifest.digest import content_digest, digest_run, index_digest
from pipeline.pack import StoreSettings
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.layout import RunLayout


def write_group(path: Path, **arrays: np.ndarray) -> Path:
    group = zarr.create_group(path, overwrite=True)
    for name, values in arrays.items():
        group.create_array(name, data=values)
    return path


def test_the_digest_read_from_disk_is_the_one_recorded_while_packing(described: Any) -> None:
    found = digest_run(described.run)
    assert found.store == described.store_digest
    assert found.rows == 5
    recorded = json.loads((described.run.manifest / "provenance.json").read_text())["content_digest"]
    assert found.as_json() == recorded


def test_codec_chunks_and_shards_do_not_matter(described: Any, tmp_path: Path, make_packed: Any) -> None:
    expected = content_digest(described.store, described.run.index)
    arrays = {name: array[:] for name, array in zarr.open_group(described.store, mode="r").arrays()}
    for number, (side, compressors) in enumerate(((8, "auto"), (24, None))):
        copy = zarr.create_group(tmp_path / str(number))
        for name, values in arrays.items():
            chunks = tuple(min(side, length) for length in values.shape)
            copy.create_array(name, data=values, chunks=chunks, compressors=compressors)
        assert content_digest(tmp_path / str(number), described.run.index) == expected
    for root, setting in (("a", StoreSettings(shard_rows=5)), ("b", StoreSettings(shard_rows=3, codec="zstd"))):
        other = make_packed(tmp_path / root, settings=setting)
        assert other.store_digest == expected.store
        assert content_digest(other.store, described.run.index) == expected


def test_the_block_size_does_not_matter(packed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = content_digest(packed.store, None)
    for size in (1, 3 * 4 * 24 * 24, 10**9):
        monkeypatch.setattr(digest_module, "BLOCK_BYTES", size)
        assert content_digest(packed.store, None) == expected


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_value_changes_the_digest(data: st.DataObject, tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 200, (3, 4, 5), dtype=np.uint8)
    before = content_digest(write_group(tmp_path / "a", x=values, y=values), None)
    at = tuple(data.draw(st.integers(0, side - 1)) for side in values.shape)
    changed = values.copy()
    changed[at] += 1
    after = content_digest(write_group(tmp_path / "b", x=changed, y=values), None)
    assert after.dataset != before.dataset
    assert after.store != before.store
    assert dict(after.arrays)["y"] == dict(before.arrays)["y"]


def test_row_order_and_array_names_matter(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.uint8).reshape(3, 8)
    stores = [
        write_group(tmp_path / "a", x=values, y=values[::-1]),
        write_group(tmp_path / "b", x=values[::-1], y=values),
        write_group(tmp_path / "c", x=values, z=values[::-1]),
        write_group(tmp_path / "d", x=values),
        write_group(tmp_path / "e", x=values.reshape(3, 2, 4), y=values[::-1]),
    ]
    assert len({content_digest(store, None).store for store in stores}) == 5


@pytest.mark.parametrize(
    ("column", "value"),
    [("s2_id", "other"), ("s1_id", "other"), ("dw_id", "other"), ("epsg", 32601), ("location_id", "other"), ("row", 9)],
)
def test_ids_and_places_are_part_of_the_content(described: Any, tmp_path: Path, column: str, value: Any) -> None:
    table = pq.read_table(described.run.index)
    rows = table.to_pylist()
    rows[7][column] = value
    pq.write_table(table.from_pylist(rows, schema=table.schema), tmp_path / "changed.parquet")
    pq.write_table(table.from_pylist(table.to_pylist()[::-1], schema=table.schema), tmp_path / "turned.parquet")
    before = content_digest(described.store, described.run.index)
    after = content_digest(described.store, tmp_path / "changed.parquet")
    assert (after.store, after.arrays) == (before.store, before.arrays)
    assert after.dataset != before.dataset
    assert index_digest(tmp_path / "turned.parquet") == before.index


def test_a_damaged_store_has_no_digest(described: Any) -> None:
    (shard,) = [p for p in (described.store / "dw" / "c" / "1").rglob("*") if p.is_file()]
    raw = bytearray(shard.read_bytes())
    raw[100] ^= 1
    shard.write_bytes(raw)
    with pytest.raises(NoldoError, match=r"nol\.zarr cannot be read .*restore it"):
        digest_run(described.run)


def test_what_is_not_there_is_named(described: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected one finished store to digest, found none"):
        digest_run(RunLayout(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="expected one finished store to digest, found none"):
        digest_run(described.run, "other")
    shutil.copytree(described.store, described.run.store("other"))
    with pytest.raises(UsageError, match="found nol, other"):
        digest_run(described.run)
    assert digest_run(described.run, "nol") == digest_run(described.run, "other")
    described.run.index.unlink()
    with pytest.raises(UsageError, match=r"index\.parquet is not there"):
        digest_run(described.run, "nol")
    described.run.index.write_bytes(b"PAR1")
    with pytest.raises(NoldoError, match=r"index\.parquet cannot be read"):
        digest_run(described.run, "nol")
    with pytest.raises(NoldoError, match="holds no arrays"):
        content_digest(write_group(tmp_path / "empty"), None)
