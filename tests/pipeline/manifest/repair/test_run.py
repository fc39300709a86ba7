"""A damaged data set is whole again after a repair, to the byte; what cannot be had is told and left as it is."""

import hashlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from zarr.codecs import ZstdCodec

from pipeline.content import row_digest
from pipeline.manifest.checksums import CHECKSUMS_FILE, SIGNATURE_FILE, checksum_lines, published
from pipeline.manifest.digest_table import DIGESTS_FILE, ArrayDigests, write_digests
from pipeline.manifest.repair.mending import RepairSource
from pipeline.manifest.repair.run import RepairOptions, RepairReport, repair
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.run import verify
from pipeline.schema.errors import NoldoError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath

Tree = dict[str, bytes]
S1, S2, DW = (f"store/nol.zarr/{name}" for name in ("s1", "s2", "dw"))
LISTING = f"manifest/{CHECKSUMS_FILE}"
INDEX = "manifest/index.parquet"


def shard(array: str, at: int) -> str:
    return "/".join([array, "c", str(at), *("0000" if not array.endswith("dw") else "000")])


def found(root: AnyPath) -> list[Finding]:
    """Everything that does not hold."""
    return list(verify(root, threads=1).findings)


@pytest.fixture(scope="module")
def release(ours: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of five locations as it is published, with digests of its rows: change nothing in it."""
    root = tmp_path_factory.mktemp("release")
    shutil.copytree(ours.run.root / "manifest", root / "manifest")
    shutil.copytree(ours.run.root / "store", root / "store")
    return root


def relist(root: Path) -> None:
    """Write digests and checksums of what is there."""
    run = RunLayout(root)
    arrays = dict(zarr.open_group(run.store("nol"), mode="r").arrays())
    write_digests(
        run.manifest / DIGESTS_FILE,
        [
            ArrayDigests.of("store/nol.zarr", name, [row_digest(np.asarray(a[r])) for r in range(a.shape[0])], 2)
            for name, a in arrays.items()
        ],
    )
    (root / LISTING).unlink(missing_ok=True)
    files = published(run.manifest, "manifest") | published(run.store("nol"), "store/nol.zarr")
    (root / LISTING).write_text(checksum_lines(files))


@pytest.fixture
def root(release: Path, tmp_path: Path) -> Path:
    """A copy of the release, to be damaged."""
    shutil.copytree(release, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def whole(release: Path, tree_bytes: Callable[[Path], Tree]) -> Tree:
    return tree_bytes(release)


@pytest.fixture(scope="module")
def recompressed(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy whose arrays are compressed by another codec in other chunks and shards."""
    copy = tmp_path_factory.mktemp("recompressed")
    shutil.copytree(release / "manifest", copy / "manifest")
    shutil.copytree(release / "store", copy / "store")
    group = zarr.open_group(copy / "store" / "nol.zarr", mode="r+")
    for name, array in dict(group.arrays()).items():
        values: Any = np.asarray(array[:])
        shutil.rmtree(copy / "store" / "nol.zarr" / name)
        group.create_array(name, data=values, chunks=(1, *values.shape[1:]), compressors=[ZstdCodec(level=1)])
    return copy


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= 0x10
    path.write_bytes(bytes(data))


def flip_row(root: Path, row: int) -> None:
    """Flip a byte of the first shard of s2 that damages that row and no other."""
    path, array = root / shard(S2, 0), zarr.open_array(root / S2, mode="r")
    for at in range(50, path.stat().st_size, 5000):
        flip(path, at)
        try:
            array[1 - row]
        except ValueError:
            flip(path, at)
        else:
            return
    pytest.fail(f"no byte of row {row} alone")


def mend(root: Path, source: Path, **options: bool) -> RepairReport:
    return repair(root, RepairSource.of_copy(source), found, RepairOptions(**options))


def test_what_is_whole_is_left_alone(root: Path, release: Path) -> None:
    times = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    report = mend(root, release)
    assert (report.ok, report.mended, report.lost) == (True, (), ())
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == times


def test_flipped_bytes_a_deleted_shard_and_a_damaged_index_come_back_from_a_copy(
    root: Path, release: Path, whole: Tree, tree_bytes: Callable[[Path], Tree]
) -> None:
    damaged = [INDEX, shard(S1, 0), shard(DW, 2), f"{S2}/zarr.json", f"manifest/{DIGESTS_FILE}", "manifest/README.md"]
    for at, path in enumerate(damaged):
        flip(root / path, 1000 + 77 * at)
    (root / shard(S2, 1)).unlink()
    kept = (root / shard(S2, 0)).stat().st_mtime_ns
    plan = mend(root, release, dry_run=True)
    assert ({one.path for one in plan.mended}, plan.lost, plan.ok) == ({*damaged, shard(S2, 1)}, (), False)
    assert tree_bytes(root) != whole, "a dry run writes nothing"
    report = mend(root, release)
    assert report.ok
    assert {(one.path, one.action) for one in report.mended} == {(path, "copied") for path in (*damaged, shard(S2, 1))}
    assert tree_bytes(root) == whole
    assert (root / shard(S2, 0)).stat().st_mtime_ns == kept, "what was right was not written"


def test_only_the_bad_rows_of_a_shard_come_from_a_copy_that_was_compressed_again(
    root: Path, recompressed: Path, whole: Tree, tree_bytes: Callable[[Path], Tree], monkeypatch: pytest.MonkeyPatch
) -> None:
    flip(root / shard(S2, 1), 300)
    (root / shard(DW, 2)).unlink()
    flip(root / shard(S1, 0), -3)
    flip(root / INDEX, 5000)
    report = mend(root, recompressed)
    assert report.ok, report.lost
    mended = {one.path: one for one in report.mended}
    assert mended[INDEX].action == "copied"
    assert (mended[shard(S2, 1)].action, mended[shard(S2, 1)].rows) == ("rebuilt", (2,))
    assert mended[shard(DW, 2)].rows == (4,), "the last shard holds one row"
    assert mended[shard(S1, 0)].rows == (0, 1), "its index is gone, so all its rows are"
    assert tree_bytes(root) == whole


def test_the_stores_statistics_come_from_a_copy_that_was_compressed_again(
    root: Path, recompressed: Path, whole: Tree, tree_bytes: Callable[[Path], Tree], tmp_path: Path
) -> None:
    source = tmp_path / "again"
    shutil.copytree(recompressed, source)
    name = next(path for path in sorted(whole) if "/statistics/" in path and path.endswith("/c/0/0/0"))
    array = name.split("/c/")[0]
    values: Any = np.asarray(zarr.open_array(source / array, mode="r")[:])
    shutil.rmtree(source / array)
    zarr.create_array(source / array, data=values, compressors=None)
    flip(root / name, 30)
    report = mend(root, source)
    assert report.ok, report.lost
    assert [(one.path, one.action) for one in report.mended] == [(name, "rebuilt")]
    assert tree_bytes(root) == whole


def test_what_the_source_has_damaged_too_is_told_and_left(
    root: Path, release: Path, tmp_path: Path, tree_bytes: Callable[[Path], Tree]
) -> None:
    source = tmp_path / "source"
    shutil.copytree(release, source)
    for place in (root, source):
        flip(place / shard(S2, 0), 200)
        flip(place / "manifest" / "statistics.json", 10)
    flip(root / shard(DW, 1), 100)
    before = tree_bytes(root)
    report = mend(root, source)
    assert not report.ok
    assert [one.path for one in report.mended] == [shard(DW, 1)]
    lost = {one.path: one for one in report.lost}
    assert set(lost) == {shard(S2, 0), "manifest/statistics.json"}
    assert list(lost[shard(S2, 0)].rows) == [0]
    assert "row 0 could not be had" in lost[shard(S2, 0)].why
    after = tree_bytes(root)
    assert {path for path in before if before[path] != after[path]} == {shard(DW, 1)}
    assert {one.path for one in report.remaining} == set(lost)


def test_two_damaged_copies_of_which_each_has_what_the_other_lacks_make_a_whole_one(
    root: Path, release: Path, tmp_path: Path, whole: Tree, tree_bytes: Callable[[Path], Tree]
) -> None:
    source = tmp_path / "source"
    shutil.copytree(release, source)
    flip_row(root, 0)
    flip_row(source, 1)
    report = mend(root, source)
    assert report.ok, report.lost
    assert [(one.path, one.action, one.rows) for one in report.mended] == [(shard(S2, 0), "rebuilt", (0,))]
    assert tree_bytes(root) == whole


@pytest.mark.parametrize("at", [3, 64, 70, -1])
def test_a_damaged_list_is_told_from_damaged_files(
    root: Path, release: Path, whole: Tree, tree_bytes: Callable[[Path], Tree], at: int
) -> None:
    flip(root / LISTING, at)
    flip(root / shard(S1, 1), 100)
    report = mend(root, release)
    assert report.ok, report.lost
    assert tree_bytes(root) == whole


def test_a_list_that_is_gone_comes_from_the_source(root: Path, release: Path, tmp_path: Path) -> None:
    (root / LISTING).unlink()
    assert mend(root, release).ok
    (root / LISTING).unlink()
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoldoError, match="nor can the source's"):
        mend(root, tmp_path / "empty")


def test_metadata_that_nothing_can_be_made_of_is_told(root: Path, release: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(release, source)
    for place in (root, source):
        flip(place / shard(DW, 0), 100)
    for path in source.rglob("zarr.json"):
        path.write_text(path.read_text().replace('"shuffle"', '"shuf6le"'))
    report = mend(root, source)
    assert shard(DW, 0) in {one.path for one in report.lost}


def test_another_release_is_no_source_of_a_list_or_of_files(
    root: Path, release: Path, tmp_path: Path, whole: Tree, tree_bytes: Callable[[Path], Tree]
) -> None:
    source = tmp_path / "later"
    shutil.copytree(release, source)
    stored: Any = zarr.open_group(source / "store" / "nol.zarr", mode="r+")["dw"]
    stored[0] = 255 - np.asarray(stored[0])
    (source / "manifest" / "README.md").write_text("another release\n")
    relist(source)
    flip(root / shard(DW, 0), 100)
    flip(root / shard(S1, 2), 100)
    report = mend(root, source)
    assert not report.ok
    assert [one.path for one in report.mended] == [shard(S1, 2)], "of what both hold alike"
    assert [one.path for one in report.lost] == [shard(DW, 0)]
    assert "different from what was published" in report.lost[0].why
    assert tree_bytes(root)[LISTING] == whole[LISTING]


def test_unlisted_files_are_told_and_removed_only_when_asked(root: Path, release: Path) -> None:
    stray = root / "store" / "nol.zarr" / "s1" / "c" / "9" / "stray"
    stray.parent.mkdir()
    stray.write_text("of nobody")
    report = mend(root, release)
    assert (report.ok, report.unlisted, stray.exists()) == (False, ("store/nol.zarr/s1/c/9/stray",), True)
    assert not mend(root, release, remove_unlisted=True, dry_run=True).ok
    assert stray.exists()
    report = mend(root, release, remove_unlisted=True)
    assert (report.ok, report.unlisted, stray.exists()) == (True, (), False)
    assert [one.action for one in report.mended] == ["removed"]


KILLED = """
import os, sys
from pathlib import Path
from pipeline.manifest.repair import copying
from pipeline.manifest.repair.mending import RepairSource
from pipeline.manifest.repair.run import repair
from pipeline.manifest.verify.finding import Finding

root, source, paths = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
blocks, files = copying._blocks, []

def dying(path):
    if path.is_relative_to(source):
        files.append(path)
    for block in blocks(path):
        yield block[: len(block) // 2] if len(files) == 2 else block
        if len(files) == 2:
            os.kill(os.getpid(), 9)

copying._blocks = dying
repair(root, RepairSource.of_copy(source), lambda _: [Finding("checksums", path, "", path=path) for path in paths])
"""


def test_a_repair_that_is_killed_leaves_whole_files_and_goes_on(
    root: Path, release: Path, whole: Tree, tree_bytes: Callable[[Path], Tree]
) -> None:
    damaged = sorted([shard(S1, 0), shard(S1, 1), shard(S2, 2)])
    for path in damaged:
        flip(root / path, 100)
    before = tree_bytes(root)
    done = subprocess.run([sys.executable, "-c", KILLED, root, release, *damaged], check=False)
    assert done.returncode == -signal.SIGKILL
    after = tree_bytes(root)
    assert [path for path in damaged if after[path] == whole[path]] == damaged[:1]
    assert [after[path] for path in damaged[1:]] == [before[path] for path in damaged[1:]]
    left = set(after) - set(whole)
    assert len(left) == 1, "half a file, under a name that nobody reads"
    assert {one.path for one in found(root)} == set(damaged[1:])
    report = mend(root, release)
    assert (report.ok, [one.path for one in report.mended]) == (True, damaged[1:])
    assert tree_bytes(root) == whole


def test_a_set_in_object_storage_is_repaired_from_a_folder_and_a_folder_from_there(
    bucket: Callable[[], AnyPath], root: Path, release: Path, whole: Tree, tree_bytes: Callable[[Path], Tree]
) -> None:
    remote: Any = bucket()
    remote.fs.pipe({f"{remote.path}/{name}": data for name, data in whole.items()})
    remote.fs.pipe_file(f"{remote.path}/{shard(S1, 0)}", b"nothing")
    remote.fs.rm_file(f"{remote.path}/{INDEX}")
    named = [Finding("checksums", path, "changed", path=path) for path in (shard(S1, 0), INDEX)]
    report = repair(remote, RepairSource.of_copy(release), lambda _: named)
    assert ({one.path for one in report.mended}, report.lost) == ({INDEX, shard(S1, 0)}, ())
    assert {name[len(remote.path) + 1 :]: remote.fs.cat_file(name) for name in remote.fs.find(remote.path)} == whole
    flip(root / shard(S1, 0), 100)
    (root / INDEX).unlink()
    assert repair(root, RepairSource.of_copy(remote), lambda _: named).lost == ()
    assert tree_bytes(root) == whole


def test_the_signature_of_the_list_comes_back_too(root: Path, release: Path, tmp_path: Path) -> None:
    source, key = tmp_path / "source", tmp_path / "key"
    shutil.copytree(release, source)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-n", "noldo-manifest", "-f", key, source / LISTING], check=True)
    signature = f"manifest/{SIGNATURE_FILE}"
    (root / signature).write_text("no signature")

    def checked(root: AnyPath) -> list[Finding]:
        same = (root / signature).read_bytes() == (source / signature).read_bytes()
        return [] if same else [Finding("signature", signature, "none", path=signature)]

    report = repair(root, RepairSource.of_copy(source), checked)
    assert (report.ok, [one.path for one in report.mended]) == (True, [signature])
    (root / signature).write_text("no signature")
    report = repair(root, RepairSource.of_copy(release), checked)
    assert [one.path for one in report.lost] == [signature]


def test_hidden_files_of_others_stay(root: Path, release: Path) -> None:
    notes = root / "manifest" / ".notes.repair-plan"
    notes.write_text("mine")
    flip(root / INDEX, 1000)
    assert mend(root, release).ok
    assert notes.read_text() == "mine"


def test_a_list_that_is_gone_is_not_taken_from_another_release(
    root: Path, release: Path, tmp_path: Path, tree_bytes: Callable[[Path], Tree]
) -> None:
    source = tmp_path / "later"
    shutil.copytree(release, source)
    provenance = source / "manifest" / "provenance.json"
    provenance.write_text(provenance.read_text().replace('"version": "0.1.0"', '"version": "0.2.0"'))
    assert provenance.read_bytes() != (release / "manifest" / "provenance.json").read_bytes()
    stored: Any = zarr.open_group(source / "store" / "nol.zarr", mode="r+")["dw"]
    stored[0] = 255 - np.asarray(stored[0])
    relist(source)
    (root / LISTING).unlink()
    before = tree_bytes(root)
    with pytest.raises(NoldoError, match="another"):
        mend(root, source)
    assert tree_bytes(root) == before


def test_a_damaged_list_of_the_source_is_not_taken(root: Path, release: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(release, source)
    (source / LISTING).write_bytes((source / LISTING).read_bytes()[:-40])
    (root / LISTING).unlink()
    with pytest.raises(NoldoError, match="nor can the source's"):
        mend(root, source)
    assert not (root / LISTING).exists()


def test_a_damaged_list_takes_no_good_file_for_one_that_is_not_listed(root: Path, whole: Tree, tmp_path: Path) -> None:
    (tmp_path / "empty" / "manifest").mkdir(parents=True)
    for at, byte in (((root / LISTING).read_bytes().index(INDEX.encode()) + 12, b"y"), (3, b"?")):
        data = bytearray(whole[LISTING])
        data[at : at + 1] = byte
        (root / LISTING).write_bytes(bytes(data))
        report = mend(root, tmp_path / "empty", remove_unlisted=True)
        assert not report.ok
        assert set(whole) <= {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_a_list_of_the_source_leads_nowhere_else(root: Path, release: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(release, source)
    (source / "recipe.yaml").write_text("source: of somebody else\n")
    (source / "store" / ".hooks").write_text("x\n")
    lines = (source / LISTING).read_text()
    for name in ("recipe.yaml", "store/.hooks"):
        lines += f"{hashlib.sha256((source / name).read_bytes()).hexdigest()}  {name}\n"
    (source / LISTING).write_text("".join(sorted(lines.splitlines(keepends=True), key=lambda line: line[66:])))
    (root / LISTING).unlink()
    (root / "recipe.yaml").write_text("source: ours\n")
    mend(root, source)
    assert (root / "recipe.yaml").read_text() == "source: ours\n"
    assert not (root / "store" / ".hooks").exists()


def test_a_document_comes_back_in_the_same_run_as_the_list(root: Path, release: Path) -> None:
    flip(root / "manifest" / "README.md", 10)
    (root / LISTING).unlink()
    report = mend(root, release)
    assert report.ok, report.remaining
