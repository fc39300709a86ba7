"""What documents are told of a data set is what its stores and tables hold."""

import hashlib
from typing import Any

import pytest
import zarr

from pipeline.manifest import write as write_module
from pipeline.manifest.described import Described
from pipeline.schema.tiles import DroppedTile


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Described]:
    """What documents were told."""
    heard: list[Described] = []
    original = write_module.documents

    def listen(described: Described) -> Any:
        heard.append(described)
        return original(described)

    monkeypatch.setattr(write_module, "documents", listen)
    return heard


def test_a_pretraining_set_is_described_as_it_is(packed: Any, write: Any, told: list[Described]) -> None:
    made = write(packed)
    (found,) = told
    assert (found.kind, found.locations, found.seasons, found.patch_px) == ("pretraining", 5, 4, 24)
    assert found.splits == ("pretrain",)
    (store,) = found.stores
    assert (store.name, store.path, store.rows) == ("nol", "store/nol.zarr", 5)
    for array in store.arrays:
        real = zarr.open_group(packed.store, mode="r")[array.name]
        assert (array.shape, array.dtype, array.chunk) == (real.shape, str(real.dtype), real.chunks)
        assert array.shard_rows == 2
        assert array.dimensions[0] == "location"
        assert dict(array.attributes) == real.attrs.asdict()
    assert dict(found.provenance["content_digest"]["arrays"]) == {a.name: a.digest for a in store.arrays}
    for file in found.files:
        data = (packed.run.manifest / file.name).read_bytes()
        assert (file.sha256, file.bytes) == (hashlib.sha256(data).hexdigest(), len(data))
    assert {file.name for file in found.files} == {
        "assets.parquet", "digests.parquet", "dropped.parquet", "index.parquet"
    }  # fmt: skip
    assert found.index_columns["geotransform"] == "list<element: double>"
    assert found.tables["digests.parquet"]["digest"] == "fixed_size_binary[32]"
    inside = [path for path in packed.store.rglob("*") if path.is_file()]
    assert (store.files, store.bytes) == (len(inside), sum(path.stat().st_size for path in inside))
    assert made.published_bytes > store.bytes


def test_a_set_of_tiles_names_its_splits_and_their_indices(
    make_dw_run: Any, tmp_path: Any, told: list[Described]
) -> None:
    make_dw_run(tmp_path, {"a": (7.0, 46.0), "b": (8.0, 46.0)}, {"c": (9.0, 46.0)})
    (found,) = told
    assert (found.kind, found.locations, found.seasons, found.splits) == ("dw", 3, 1, ("train", "test"))
    assert {"index-train.parquet", "index-test.parquet"} <= {file.name for file in found.files}
    assert found.extent.bbox == pytest.approx((7.0, 46.0, 9.0, 46.0), abs=0.01)
    assert DroppedTile.__dataclass_fields__.keys() - {"tile_id"} < found.tables["dropped.parquet"].keys()
