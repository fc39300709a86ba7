import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zarr

from pipeline.manifest import write as write_module
from pipeline.manifest.checksums import verify_checksums
from pipeline.manifest.write import ManifestRecord, is_written
from pipeline.schema.errors import NoldoError

Write = Callable[..., ManifestRecord]
TreeBytes = Callable[[Path], dict[str, bytes]]


def test_a_manifest_describes_its_store(packed: Any, write: Write) -> None:
    record = write(packed)
    manifest = packed.run.manifest
    assert {p.name for p in manifest.iterdir()} >= {
        "README.md",
        "assets.parquet",
        "digests.parquet",
        "dropped.parquet",
        "funnel.json",
        "index.parquet",
        "manifest-sha256.txt",
        "provenance.json",
        "statistics.json",
    }
    assert is_written(packed.run, "manifest-inputs")
    provenance = json.loads((manifest / "provenance.json").read_text())
    assert provenance["content_digest"]["dataset"] == record.dataset_digest
    assert provenance["recipe_digest"] == "recipe-sha"
    assert provenance["recipe"]["store"] == {"shard_rows": 2}
    assert record.store_digest == packed.store_digest
    listed = [packed.run.root / line[66:] for line in (manifest / "manifest-sha256.txt").read_text().splitlines()]
    assert (record.locations, record.files) == (5, len(listed))
    assert record.published_bytes == sum(path.stat().st_size for path in listed)


def test_writing_again_makes_the_same_bytes(packed: Any, write: Write, tree_bytes: TreeBytes) -> None:
    write(packed)
    before = tree_bytes(packed.run.manifest)
    write(packed)
    assert tree_bytes(packed.run.manifest) == before


def test_other_parts_make_the_same_manifest(
    tmp_path: Path, make_packed: Any, write: Write, tree_bytes: TreeBytes
) -> None:
    runs = [make_packed(tmp_path / str(parts), part_locations=parts) for parts in (1, 3)]
    for run in runs:
        write(run)
    assert tree_bytes(runs[0].run.manifest) == tree_bytes(runs[1].run.manifest)


@pytest.mark.parametrize("step", ["write_index", "write_digests", "documents", "checksum_lines"])
def test_a_crash_half_way_leaves_nothing(packed: Any, write: Write, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def crash(*_: Any, **__: Any) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(write_module, step, crash)
        with pytest.raises(OSError, match="no space"):
            write(packed)
    assert sorted(p.name for p in packed.run.root.iterdir()) == ["store", "tables", "tiles"]
    assert not is_written(packed.run, "manifest-inputs")


def test_a_crash_keeps_the_manifest_that_was_there(
    described: Any, write: Write, monkeypatch: pytest.MonkeyPatch, tree_bytes: TreeBytes
) -> None:
    before = tree_bytes(described.run.manifest)
    monkeypatch.setattr(write_module, "checksum_lines", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(described)
    assert tree_bytes(described.run.manifest) == before
    assert verify_checksums(described.run).ok
    assert sorted(p.name for p in described.run.root.iterdir()) == [
        ".manifest.inputs",
        "manifest",
        "store",
        "tables",
        "tiles",
    ]


def test_a_store_other_than_recorded_is_refused(packed: Any, write: Write) -> None:
    first = packed.shards[0]
    turned = replace(first, dw_digests=first.dw_digests[::-1])
    with pytest.raises(NoldoError, match="its shards were recorded as"):
        write(packed, shards=[turned, *packed.shards[1:]])
    with pytest.raises(NoldoError, match="has 5 rows, expected 4"):
        write(packed, shards=packed.shards[:2])
    zarr.open_group(packed.store, mode="r+").attrs.put({})
    with pytest.raises(NoldoError, match="carries the content digest None"):
        write(packed)
    (packed.store / "zarr.json").unlink()
    with pytest.raises(NoldoError, match="cannot be read"):
        write(packed)
    assert not packed.run.manifest.exists()
