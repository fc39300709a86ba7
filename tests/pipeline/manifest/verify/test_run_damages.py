"""Whatever is done to a published tree is found, and where it was done is named.

The trees are small, so that the whole verification runs after every damage.
"""

import hashlib
import json
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, Crc32cCodec, GzipCodec, ZstdCodec

from pipeline.content import row_digest
from pipeline.manifest.digest import combine_stores, index_digest
from pipeline.manifest.digest_table import ArrayDigests, read_digests, write_digests
from pipeline.manifest.index import write_index
from pipeline.manifest.signature import sign
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.report import VerifyReport
from pipeline.manifest.verify.run import verify
from pipeline.pack import StoreSettings
from pipeline.schema.layout import RunLayout

LISTING = "manifest/manifest-sha256.txt"
SIGNATURE = f"{LISTING}.sig"
NOL = "store/nol.zarr"
ARRAYS = ("dw", "s1", "s2")
SHARD_ROWS = 2

FLIPS = 200
ENTRY_BYTES, CHECKSUM_BYTES = 16, 4
"""Of a shard's index, at its end: offset and size of every inner chunk, and a crc32c (Zarr v3, sharding_indexed)."""


@pytest.fixture(scope="module")
def published(
    make_packed: Callable[..., Any], write: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """Four locations in two shards of three arrays, with their manifest: a third of a megabyte, change nothing."""
    packed = make_packed(tmp_path_factory.mktemp("damages") / "run", 4, StoreSettings(shard_rows=SHARD_ROWS))
    write(packed)
    return packed


def copy_of(run: RunLayout, root: Path) -> Path:
    for name in ("manifest", "store"):
        shutil.copytree(run.root / name, root / name, ignore=shutil.ignore_patterns(".*"))
    return root


@pytest.fixture
def tree(published: Any, tmp_path: Path) -> Path:
    return copy_of(published.run, tmp_path / "tree")


def files_of(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def list_anew(root: Path) -> None:
    """Write a list of checksums that fits, as one who changes files on purpose would."""
    paths = [path.relative_to(root).as_posix() for path in files_of(root)]
    lines = [f"{hashlib.sha256((root / p).read_bytes()).hexdigest()}  {p}\n" for p in paths if p != LISTING]
    (root / LISTING).write_text("".join(lines))


def found_by(report: VerifyReport) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in report.findings:
        found.setdefault(finding.check, []).append(finding)
    return found


def rows_found(findings: list[Finding]) -> set[tuple[str | None, int | None]]:
    return {(one.array, one.row) for one in findings if one.row is not None}


@contextmanager
def flipped(path: Path, at: int, mask: int) -> Iterator[None]:
    """A file with one byte changed, until the end of the block."""
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[at] ^= mask
    path.write_bytes(changed)
    try:
        yield
    finally:
        path.write_bytes(whole)


def drawn(root: Path, count: int, seed: int) -> Iterator[tuple[Path, int, int]]:
    """(file, offset, mask): half of them anywhere among all bytes, half in any file, however small."""
    rng = random.Random(seed)
    files = files_of(root)
    sizes = [path.stat().st_size for path in files]
    for number in range(count):
        (path,) = rng.choices(files, sizes) if number % 2 else (rng.choice(files),)
        yield path, rng.randrange(path.stat().st_size), rng.randrange(1, 256)


def places(root: Path, path: Path, at: int) -> set[tuple[str, str | None, int | None]]:
    """All places that a finding must name: (file, None, None), and (file, array, row) of rows that a shard holds."""
    name = path.relative_to(root).as_posix()
    parts = path.relative_to(root).parts
    if parts[0] != "store" or parts[3:4] != ("c",):
        return {(name, None, None)}
    array = zarr.open_array(path.parents[len(parts) - 4], mode="r")
    shards, chunks = array.shards or (), array.chunks
    a_row = int(np.prod([-(-whole // part) for whole, part in zip(array.shape[1:], chunks[1:], strict=True)]))
    first = int(parts[4]) * shards[0]
    rows = range(first, min(first + shards[0], array.shape[0]))
    data = path.read_bytes()
    index_bytes = shards[0] * a_row * ENTRY_BYTES + CHECKSUM_BYTES
    entries = np.frombuffer(data[-index_bytes:-CHECKSUM_BYTES], "<u8").reshape(-1, 2).tolist()
    hit = [number // a_row for number, (start, size) in enumerate(entries) if start <= at < start + size]
    of_rows = [rows[hit[0]]] if hit else rows
    return {(name, None, None), *((name, parts[2], row) for row in of_rows)}


def not_named(root: Path, flips: Iterator[tuple[Path, int, int]]) -> tuple[list[str], int]:
    """Flips whose place the verification does not name, and how many there were."""
    missed, count = [], 0
    for path, at, mask in flips:
        expected = places(root, path, at)
        with flipped(path, at, mask):
            report = verify(root, threads=1)
        named = {(one.path, None, None) for one in report.findings} | {
            (one.path, one.array, one.row) for one in report.findings
        }
        name = path.relative_to(root).as_posix()
        if name == LISTING and not report.ok:
            # A digit of the list is as likely the file's fault as the list's: the line's file is named, or the line.
            line = path.read_text()[:at].count("\n")
            file = path.read_text().splitlines()[line][66:]
            expected = set() if {(LISTING, None, None), (file, None, None)} & named else expected
        if report.ok or not expected <= named:
            missed.append(f"{name} byte {at} ^ {mask}: {sorted(map(str, expected - named))}")
        count += 1
    return missed, count


def test_one_flipped_byte_anywhere_is_found_and_its_place_named(tree: Path) -> None:
    assert verify(tree).ok
    assert not_named(tree, drawn(tree, FLIPS, seed=5)) == ([], FLIPS)
    assert verify(tree).ok


def test_so_it_is_in_a_set_of_two_splits(tiles_run: RunLayout, tmp_path: Path) -> None:
    root = copy_of(tiles_run, tmp_path / "tree")
    assert verify(root).ok
    assert not_named(root, drawn(root, 20, seed=6)) == ([], 20)


def change(root: Path, how: Callable[[NDArray[Any]], NDArray[Any]], *names: str) -> None:
    """Write changed arrays into the store, whole, as its writer does."""
    group = zarr.open_group(root / NOL, mode="r+")
    for name in names:
        array: Any = group[name]
        array[:] = how(np.asarray(array[:]))


def swapped(values: NDArray[Any]) -> NDArray[Any]:
    return values[[1, 0, *range(2, len(values))]]


def test_a_row_swapped_with_its_neighbour_is_told_by_the_content(tree: Path) -> None:
    change(tree, swapped, *ARRAYS)
    list_anew(tree)
    found = found_by(verify(tree))
    assert found.keys() == {"content"}
    assert rows_found(found["content"]) == {(name, row) for name in ARRAYS for row in (0, 1)}
    told = next(one.what for one in found["content"] if (one.array, one.row) == ("s2", 0))
    assert told.endswith("holds what was published as row 1")


def test_so_it_is_where_the_rows_digests_were_swapped_too(tree: Path) -> None:
    change(tree, swapped, *ARRAYS)
    table = read_digests(tree / "manifest/digests.parquet")
    arrays = [ArrayDigests(one.store, one.array, swapped(one.digest), one.shard) for one in table.arrays]
    write_digests(tree / "manifest/digests.parquet", arrays)
    list_anew(tree)
    found = found_by(verify(tree))
    assert found.keys() == {"content", "documents"}
    assert {one.path for one in found["content"]} == {f"{NOL}/zarr.json", "manifest/provenance.json"}


def test_a_shard_replaced_by_an_older_one_is_told_by_its_rows(published: Any, tree: Path, tmp_path: Path) -> None:
    older = copy_of(published.run, tmp_path / "older")

    def other(values: NDArray[Any]) -> NDArray[Any]:
        values[2] //= 2
        return values

    change(older, other, "s1")
    shard = f"{NOL}/s1/c/1/0/0/0/0"
    shutil.copy(older / shard, tree / shard)
    found = found_by(verify(tree))
    assert found.keys() == {"checksums", "content"}
    assert [one.path for one in found["checksums"]] == [shard]
    list_anew(tree)
    (one,) = verify(tree).findings
    assert (one.check, one.path, one.store, one.array, one.row) == ("content", shard, NOL, "s1", 2)
    assert published.rows[2].location_id in one.where


@pytest.mark.parametrize("shift", [1, -1])
@pytest.mark.parametrize("axis", [-1, -2])
def test_a_label_map_shifted_by_one_pixel_is_told_by_its_row(tree: Path, axis: int, shift: int) -> None:
    def shifted(values: NDArray[Any]) -> NDArray[Any]:
        values[3, 1] = np.roll(values[3, 1], shift, axis)
        return values

    change(tree, shifted, "dw")
    list_anew(tree)
    (one,) = verify(tree).findings
    assert (one.check, one.path, one.array, one.row) == ("content", f"{NOL}/dw/c/1/0/0/0", "dw", 3)


def rewrite_index(root: Path, how: Callable[[list[Any]], list[Any]]) -> None:
    path = root / "manifest/index.parquet"
    table = pq.read_table(path)
    write_index(path, pa.Table.from_pylist(how(table.to_pylist()), table.schema.remove_metadata()))


def told_anew(root: Path) -> None:
    """Give provenance.json the digests of the changed index, and the list its checksums."""
    path = root / "manifest/provenance.json"
    plain = json.loads(path.read_bytes())
    digests = plain["content_digest"]
    plain["content_digest"] = combine_stores(
        {"nol": digests["arrays"]}, index_digest(root / "manifest/index.parquet"), digests["rows"]
    ).as_json()
    path.write_text(json.dumps(plain))
    list_anew(root)


REMOVED: tuple[str, Callable[[list[Any]], list[Any]], int, str] = (
    "removed", lambda rows: rows[:6] + rows[7:], 1, "not in the index in season 2, expected once in each of 4",
)  # fmt: skip
DOUBLED: tuple[str, Callable[[list[Any]], list[Any]], int, str] = (
    "doubled", lambda rows: [*rows[:11], *rows[10:]], 2, "named 2 times, expected once",
)  # fmt: skip


@pytest.mark.parametrize(("kind", "how", "row", "what"), [REMOVED, DOUBLED], ids=lambda value: str(value)[:8])
def test_an_index_row_removed_or_doubled_is_told_by_the_index(
    tree: Path, kind: str, how: Callable[[list[Any]], list[Any]], row: int, what: str
) -> None:
    rewrite_index(tree, how)
    list_anew(tree)
    found = found_by(verify(tree))
    assert {"index", "content"} <= found.keys()
    assert [(one.row, one.what) for one in found["index"] if one.row is not None] == [(row, what)]
    told_anew(tree)
    found = found_by(verify(tree))
    assert "content" not in found
    assert (row, what) in [(one.row, one.what) for one in found["index"]]


COMPRESSORS = st.sampled_from(
    [
        (),
        (ZstdCodec(level=1),),
        (ZstdCodec(level=3), Crc32cCodec()),
        (GzipCodec(level=1),),
        (BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle"), Crc32cCodec()),
    ]
)


@st.composite
def packings(draw: st.DrawFn) -> dict[str, Any]:
    """How a copy may be packed: chunks over rows and space, shards of whole chunks or none, a codec."""
    rows, side = draw(st.sampled_from([1, 2, 3, 4])), draw(st.sampled_from([8, 12, 24]))
    many = draw(st.sampled_from([None, 1, 2]))
    return {"rows": rows, "side": side, "shards": many, "compressors": draw(COMPRESSORS)}


def pack_anew(root: Path, packing: dict[str, Any]) -> None:
    """Write every array of the store in another packing, with the same values and attributes."""
    group = zarr.open_group(root / NOL, mode="r+")
    for name in ARRAYS:
        old: Any = group[name]
        values, attributes = np.asarray(old[:]), old.attrs.asdict()
        chunks = (packing["rows"], *old.shape[1:-2], packing["side"], packing["side"])
        many = packing["shards"]
        shards = None if many is None else (many * packing["rows"], *old.shape[1:])
        new = group.create_array(
            name, shape=old.shape, dtype=old.dtype, chunks=chunks, shards=shards, filters=None,
            compressors=packing["compressors"], fill_value=old.fill_value, attributes=attributes,
            dimension_names=old.metadata.dimension_names, overwrite=True,
        )  # fmt: skip
        new[:] = values


@settings(max_examples=12, deadline=None)
@given(packings())
def test_a_copy_packed_anew_holds_the_same(
    published: Any, tmp_path_factory: pytest.TempPathFactory, packing: dict[str, Any]
) -> None:
    root = copy_of(published.run, tmp_path_factory.mktemp("anew") / "tree")
    pack_anew(root, packing)
    assert [f"{one.where}: {one.what}" for one in verify(root, recompressed=True).findings] == []
    assert not verify(root).ok

    def a_pixel(values: NDArray[Any]) -> NDArray[Any]:
        values[1, 2, ..., 5, 6] ^= 1
        return values

    change(root, a_pixel, "s2")
    found = found_by(verify(root, recompressed=True))
    assert found.keys() == {"content"}
    assert rows_found(found["content"]) == {("s2", 1)}


def test_what_is_rewritten_all_through_only_a_signature_reveals(
    published: Any, tree: Path, make_packed: Callable[..., Any], write: Callable[..., Any], tmp_path: Path
) -> None:
    """The same locations in another order: pixels, digests, index, provenance, documents and list all agree."""
    rewritten = make_packed(tmp_path / "rewritten", 4, StoreSettings(shard_rows=SHARD_ROWS, seed=1))
    write(rewritten)
    assert [row.location_id for row in rewritten.rows] != [row.location_id for row in published.rows]
    root = copy_of(rewritten.run, tmp_path / "other")
    assert verify(root).ok
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "maker", "-f", str(key)], check=True)
    public = key.with_name("key.pub")
    sign(tree, key)
    assert verify(tree, key=public).ok
    shutil.copy(tree / SIGNATURE, root / SIGNATURE)
    assert found_by(verify(root)).keys() == {"signature"}
    (root / SIGNATURE).unlink()
    assert verify(root).ok  # nothing else says that it was signed
    assert found_by(verify(root, key=public)).keys() == {"signature"}


def test_row_digests_are_of_what_is_stored(published: Any) -> None:
    """The table that all of this rests on, by the formula."""
    table = read_digests(published.run.manifest / "digests.parquet")
    group = zarr.open_group(published.store, mode="r")
    for name in ARRAYS:
        digests = table.of(NOL, name)
        assert digests is not None
        values = np.asarray(group[name])
        assert [digests.row(row) for row in range(len(values))] == [row_digest(values[row]) for row in range(4)]
        assert digests.shard.tolist() == [0, 0, 1, 1]
