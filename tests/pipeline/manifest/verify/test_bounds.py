"""Metadata that ask for more memory than any release are found, and not believed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zarr

from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.run import verify
from pipeline.schema.layout import RunLayout

STORE = "store/nol.zarr"


@pytest.fixture
def root(ours: Any, copied: Callable[[RunLayout], Path]) -> Path:
    """A copy of a published set of five locations, in shards of two."""
    return copied(ours.run)


def of_content(findings: tuple[Finding, ...]) -> list[str]:
    return [f"{one.where}: {one.what}" for one in findings if one.check == "content"]


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        (("shape",), [10**12, 4, 13, 24, 24], "4000000000000 rows and seasons, the manifest knows of 20"),
        (("shape",), [10**18, 4, 13, 24, 24], "rows and seasons"),
        (("shape",), [5, 10**9, 13, 24, 24], "bytes a row"),
        (("chunk_grid", "configuration", "chunk_shape"), [10**7, 4, 13, 24, 24], "chunks a shard"),
        (("codecs", 0, "configuration", "chunk_shape"), [10**5, 4, 13, 24, 24], "bytes a chunk"),
    ],
)
def test_what_no_release_holds_is_not_read(root: Path, path: tuple[Any, ...], value: list[int], what: str) -> None:
    for array in ("s2", "dw"):  # one whose values are looked at, too
        metadata = root / STORE / array / "zarr.json"
        plain = json.loads(metadata.read_text())
        inner = plain
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = [side for at, side in enumerate(value) if len(inner[path[-1]]) == 5 or at != 2]
        if path[0] == "codecs":
            plain["chunk_grid"]["configuration"]["chunk_shape"][0] = value[0]
        metadata.write_text(json.dumps(plain))
    found = of_content(verify(root).findings)
    assert any(line.startswith(f"{STORE} s2: not read: ") and what in line for line in found)


def test_arrays_that_nobody_published_are_read_within_bounds(root: Path) -> None:
    group = zarr.open_group(root / STORE)
    for rows, what in ((10**9, "not read: it has 1000000000 rows"), (1000, "has no digests")):
        group.create_array("more", shape=(rows, 4), chunks=(1, 4), dtype="u1", overwrite=True)
        assert any(line.startswith(f"{STORE} more: {what}") for line in of_content(verify(root, sample=0.01).findings))


def test_a_store_of_another_format_is_none(root: Path) -> None:
    shutil.rmtree(root / STORE)
    group = zarr.create_group(root / STORE, zarr_format=2)
    for name in ("s1", "s2", "dw"):
        group.create_array(name, shape=(5, 4, 24, 24), dtype="u1")
    (line,) = [line for line in of_content(verify(root).findings) if line.startswith(f"{STORE}:")]
    assert "the store cannot be opened" in line
