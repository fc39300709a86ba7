"""A whole verification: what is right holds, what is wrong is named, and what was not looked at is said."""

import functools
import http.server
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from botocore.exceptions import EndpointConnectionError  # type: ignore[import-untyped]
from zarr.codecs import Crc32cCodec, ZstdCodec

from pipeline.files import open_published
from pipeline.manifest.checksums import CHECKSUMS_FILE, checksum_lines, published
from pipeline.manifest.verify import hashing
from pipeline.manifest.verify.finding import CHECKS, Finding
from pipeline.manifest.verify.report import VerifyReport
from pipeline.manifest.verify.run import Progress, verify
from pipeline.manifest.verify.shard_file import opened
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import RunLayout

SHARD = "store/nol.zarr/s2/c/1/0/0/0/0"


@pytest.fixture
def root(ours: Any, copied: Callable[[RunLayout], Path]) -> Path:
    """A copy of a published set of five locations, in shards of two."""
    return copied(ours.run)


def told(report: VerifyReport) -> dict[str, list[str]]:
    """What was found, by check: where, and what."""
    found: dict[str, list[str]] = {}
    for finding in report.findings:
        found.setdefault(finding.check, []).append(f"{finding.where}: {finding.what}")
    return found


def list_again(root: Path) -> None:
    """Make the list of checksums that of the files as they are."""
    files = published(root / "manifest", "manifest") | published(root / "store/nol.zarr", "store/nol.zarr")
    files.pop(f"manifest/{CHECKSUMS_FILE}")
    (root / "manifest" / CHECKSUMS_FILE).write_text(checksum_lines(files))


def test_what_was_published_holds(root: Path) -> None:
    seen: list[Progress] = []
    report = verify(root, threads=2, on_progress=seen.append)
    assert told(report) == {}
    assert report.ok
    listed = (root / "manifest" / CHECKSUMS_FILE).read_text().splitlines()
    size = sum((root / line[66:]).stat().st_size for line in listed)
    assert (report.files, report.bytes, report.rows) == (len(listed), size, 15)
    assert seen[-1] == Progress(len(listed), len(listed), size)
    assert report.skipped == {}
    assert report.lines()[-1] == f"{root}: all holds"
    assert [line.split()[1] for line in report.lines() if line.split()[0] in CHECKS] == ["holds"] * 10 + ["unknown"]


def test_so_it_is_where_the_processor_has_no_instructions_for_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "lanes", lambda: None)
    assert told(verify(root, threads=2)) == {}
    shard = root / SHARD
    shard.write_bytes(shard.read_bytes()[:-1] + b"\0")
    array: Any = zarr.open_group(root / "store/nol.zarr")["dw"]
    array[3] = np.where(array[3] == 255, 255, 8 - array[3])
    found = verify(root).findings
    assert {(one.check, one.array, one.row) for one in found if one.check == "content"} == {
        ("content", "s2", 2),
        ("content", "s2", 3),
        ("content", "dw", 3),
    }
    changed = {"store/nol.zarr/dw/c/1/0/0/0", SHARD}
    assert {one.path for one in found if one.check == "checksums"} == changed


def test_a_set_of_several_stores_holds(tiles_run: RunLayout, copied: Callable[[RunLayout], Path]) -> None:
    report = verify(copied(tiles_run))
    assert told(report) == {}


def test_files_that_are_missing_new_or_changed(root: Path) -> None:
    (root / "manifest/funnel.json").unlink()
    (root / "manifest/new.txt").write_text("x")
    (root / "store/nol.zarr/labels").mkdir()
    (root / "store/nol.zarr/labels/of-mine").write_text("labels that a user added are the user's")
    (root / "store/nol.zarr/.private").write_text("no part of what is published")
    (root / SHARD).unlink()
    statistics = root / "manifest/statistics.json"
    statistics.write_text(statistics.read_text() + " ")
    found = told(verify(root))
    assert found["files"] == [
        "manifest/funnel.json: listed, but not there",
        "manifest/new.txt: is there, but not listed",
        f"{SHARD}: listed, but not there",
    ]
    assert [line.partition(":")[0] for line in found["checksums"]] == ["manifest/statistics.json"]
    lost = [line for line in found["content"] if "s2 row" in line]
    assert [line.split(",")[0] for line in lost] == ["store/nol.zarr s2 row 2", "store/nol.zarr s2 row 3"]


def test_a_row_that_was_changed_and_listed_anew_is_named_with_its_location(root: Path, ours: Any) -> None:
    array: Any = zarr.open_group(root / "store/nol.zarr")["dw"]
    array[3] = np.where(array[3] == 255, 255, 8 - array[3])
    list_again(root)
    report = verify(root)
    (finding,) = [finding for finding in report.findings if finding.check == "content"]
    location = next(row.location_id for row in ours.rows if row.row == 3)
    assert finding.where == f"store/nol.zarr dw row 3, location {location}"
    assert (finding.store, finding.array, finding.row) == ("store/nol.zarr", "dw", 3)
    assert finding.path == "store/nol.zarr/dw/c/1/0/0/0"


def test_labels_that_are_no_class_and_shares_that_are_not_the_pixels(root: Path) -> None:
    array: Any = zarr.open_group(root / "store/nol.zarr")["dw"]
    row = np.asarray(array[1])
    row[2, 5, 5] = 77
    row[3, 5] = 255
    array[1] = row
    found = told(verify(root))
    assert any("row 1" in line and "1 values that are no class (77)" in line for line in found["values"])
    assert any("row 1 season 3" in line and "label_valid_frac" in line for line in found["index"])


def test_digests_that_do_not_make_up_the_published_ones(root: Path) -> None:
    provenance = root / "manifest/provenance.json"
    plain = json.loads(provenance.read_text())
    plain["content_digest"]["arrays"]["s1"] = "sha256:" + "0" * 64
    provenance.write_text(json.dumps(plain))
    zarr.open_group(root / "store/nol.zarr").attrs["content_digest"] = "sha256:" + "1" * 64
    found = told(verify(root))["content"]
    assert [line.split(":")[0] for line in found] == ["manifest/provenance.json", "store/nol.zarr attributes"]


@pytest.mark.parametrize("name", ["digests.parquet", "provenance.json", "index.parquet", CHECKSUMS_FILE])
def test_what_cannot_be_checked_does_not_pass(root: Path, name: str) -> None:
    (root / "manifest" / name).write_bytes(b"\xff nothing")
    report = verify(root)
    assert not report.ok
    expected = {
        "digests.parquet": {"content", "checksums"},
        "provenance.json": {"content", "checksums"},
        "index.parquet": {"index", "footprints", "duplicates", "leakage", "checksums"},
        CHECKSUMS_FILE: {"files"},
    }
    assert expected[name] <= set(told(report))
    (root / "manifest" / name).unlink()
    assert set(told(verify(root))) >= expected[name] - {"checksums"}


def test_of_a_folder_without_a_manifest_there_is_nothing_to_say(tmp_path: Path, root: Path) -> None:
    with pytest.raises(UsageError, match="is not there; give the folder"):
        verify(tmp_path / "elsewhere")
    for path in (root / "manifest").iterdir():
        path.write_bytes(b"\xff")
    assert set(told(verify(root))) >= set(CHECKS) - {"crc32c", "values", "signature"}


@pytest.mark.parametrize("shards", [None, 5])
def test_a_copy_that_was_packed_anew_holds_what_was_published(root: Path, shards: int | None) -> None:
    pack_anew(root, shards)
    assert {"files", "checksums"} <= set(told(verify(root)))
    report = verify(root, recompressed=True)
    assert told(report) == {}
    assert report.rows == 15
    assert set(report.skipped) >= {"files", "checksums"}
    array: Any = zarr.open_group(root / "store/nol.zarr")["s1"]
    row = np.asarray(array[4])
    row[1, 1, 3, 3] ^= 1
    array[4] = row
    (finding,) = verify(root, recompressed=True).findings
    assert (finding.check, finding.array, finding.row) == ("content", "s1", 4)
    part = verify(root, recompressed=True, sample=0.3)
    unread = f"{15 - part.rows} of 15 rows of arrays: only a sample of 0.3 was read"
    assert (unread in part.skipped.get("content", ())) == (part.rows < 15)
    assert part.rows in ((15,) if shards else (6, 9))  # of two chunks of each array one


def pack_anew(root: Path, shards: int | None) -> None:
    """Write the store's arrays with other chunks and another codec, leaving out what is all fill value."""
    path, old = root / "store/nol.zarr", root / "old.zarr"
    path.rename(old)
    before = zarr.open_group(old, mode="r")
    group = zarr.create_group(path, attributes=before.attrs.asdict())
    for name, array in before.arrays():
        made = group.create_array(
            name,
            shape=array.shape,
            chunks=(1 if shards else 3, *array.shape[1:]),
            shards=(shards, *array.shape[1:]) if shards else None,
            dtype=array.dtype,
            fill_value=array.fill_value,
            compressors=[ZstdCodec(level=1), Crc32cCodec()],
            attributes=array.attrs.asdict(),
            dimension_names=array.metadata.dimension_names,
        )
        made[:] = array[:]
    shutil.rmtree(old)


def test_a_sample_reads_a_share_and_says_so(root: Path) -> None:
    whole, part = verify(root), verify(root, sample=0.3)
    assert part.ok
    assert part.files == whole.files - 6
    assert part.rows in (3, 6)  # of three shards of each array one: the last one holds a single row
    assert part.skipped["checksums"] == ("6 files: only a sample of 0.3 was read",)
    unread = f"{15 - part.rows} of 15 rows of arrays: only a sample of 0.3 was read"
    assert {part.skipped[check] for check in ("crc32c", "content", "values")} == {(unread,)}
    assert [line.startswith("shares of labelled pixels") for line in part.skipped["index"]] == [True]
    assert part.lines()[-1].endswith("all holds of what was looked at")
    rows = [verify(root, sample=0.3, seed=seed).bytes for seed in range(8)]
    assert len(set(rows)) > 1
    (root / SHARD).unlink()
    for seed in range(3):
        assert f"{SHARD}: listed, but not there" in told(verify(root, sample=0.3, seed=seed))["files"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(folder: Path, handler: type[Quiet] = Quiet) -> Iterator[str]:
    """A plain web server of a folder."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_set_behind_a_web_server(root: Path) -> None:
    with served(root.parent) as url:
        report = verify(open_published(f"{url}/{root.name}/"), threads=2)
        assert told(report) == {}
        assert report.rows == 15
        assert "web server" in report.skipped["files"][0]
        (root / SHARD).unlink()
        (root / "manifest/funnel.json").unlink()
        missing = {f"{SHARD}: listed, but not there", "manifest/funnel.json: listed, but not there"}
        assert set(told(verify(open_published(f"{url}/{root.name}")))["files"]) == missing
        assert set(told(verify(open_published(f"{url}/{root.name}"), sample=0.01))["files"]) == missing
        with pytest.raises(UsageError, match="does not answer"):
            verify(open_published(f"{url}/nothing"))


def test_an_interruption_ends_the_threads_and_is_passed_on(root: Path) -> None:
    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        verify(root, threads=2, on_progress=interrupt)
    assert threading.active_count() <= before + 1  # zarr's own loop may have begun


class Slow(Quiet):
    """Sends shards for ever, a byte at a time."""

    asked = threading.Event()

    def do_GET(self) -> None:
        if "/c/" not in self.path:
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(10**9))
        self.end_headers()
        self.asked.set()
        with suppress(OSError):  # the other side went away
            while True:
                self.wfile.write(b"x")
                time.sleep(0.05)


def test_an_interruption_does_not_wait_for_a_server(root: Path) -> None:
    def interrupt(_: Progress) -> None:
        assert Slow.asked.wait(20)
        raise KeyboardInterrupt

    with served(root.parent, Slow) as url, pytest.raises(KeyboardInterrupt):
        verify(open_published(f"{url}/{root.name}"), threads=8, on_progress=interrupt, sample=0.01)


def test_storage_that_fails_half_way_is_found(root: Path, bucket: Callable[[], Any], monkeypatch: Any) -> None:
    there = bucket()
    there.fs.put(f"{root}/", there.path.rstrip("/") + "/", recursive=True)
    fetch = type(there.fs)._cat_file

    async def fail(self: Any, path: str, *args: Any, **kwargs: Any) -> bytes:
        if path.endswith(SHARD):
            raise EndpointConnectionError(endpoint_url="https://elsewhere")
        data: bytes = await fetch(self, path, *args, **kwargs)
        return data

    monkeypatch.setattr(type(there.fs), "_cat_file", fail)
    found = told(verify(there))
    assert set(found) == {"files", "content"}
    (line,) = found["files"]
    assert line.startswith(f"{SHARD}: cannot be read: Could not connect")


def test_a_file_that_cannot_be_read_is_found(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def broken(path: Path, *more: Any) -> Iterator[Any]:
        with opened(path, *more) as file:
            if path == root / SHARD:
                raise OSError(5, "Input/output error")
            yield file

    monkeypatch.setattr("pipeline.manifest.verify.shard_check.opened", broken)
    for threads in (1, 8):  # side by side with another, and alone
        found = told(verify(root, threads=threads))
        assert found["files"] == [f"{SHARD}: cannot be read: Input/output error"]
        assert [line.split(",")[0] for line in found["content"]] == [f"store/nol.zarr s2 row {row}" for row in (2, 3)]
        assert set(found) == {"files", "content"}


def test_a_defect_is_not_taken_for_damage(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def defective(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("pipeline.manifest.verify.shard_check.read_index", defective)
    with pytest.raises(ZeroDivisionError):
        verify(root)


def test_the_report_tells_some_of_each_check_and_how_many_more() -> None:
    findings = tuple(Finding("content", f"row {row}", "differs") for row in range(14))
    report = VerifyReport("x", findings, 3, 10**6, 14, 0.5, {"values": ("a",)}, "not signed")
    lines = report.lines()
    at = next(number for number, line in enumerate(lines) if line.startswith("content"))
    assert "14 FOUND" in lines[at]
    assert lines[at + 1 : at + 12] == [*(f"    row {row}: differs" for row in range(10)), "    ... and 4 more"]
    assert any(line.startswith("values      in part") for line in lines)
    assert lines[-3:] == [
        "read 3 files, 1 MB, 14 rows of arrays in 0.5 s (2 MB/s)",
        "x: 14 things do not hold",
        "    -> content: noldo manifest repair x --from COPY puts back what is damaged",
    ]
    assert any(line == "x: 1 thing does not hold" for line in replace(report, findings=findings[:1]).lines())
    assert sum("differs" in line for line in report.lines(None)) == 14
    assert len(report.as_json()["findings"]) == 14
    assert json.loads(json.dumps(report.as_json()))["counts"]["content"] == 14


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_links_in_place_of_files_are_read_through(root: Path) -> None:
    elsewhere = root.parent / "blob"
    (root / SHARD).rename(elsewhere)
    (root / SHARD).symlink_to(elsewhere)
    assert verify(root).ok


def test_a_set_in_object_storage(root: Path, bucket: Callable[[], Any]) -> None:
    there = bucket()
    there.fs.put(f"{root}/", there.path.rstrip("/") + "/", recursive=True)
    report = verify(there, threads=2)
    assert told(report) == {}
    assert report.rows == 15
    there.fs.rm_file(f"{there.path}/{SHARD}")
    there.fs.pipe_file(f"{there.path}/store/nol.zarr/new", b"x")
    assert told(verify(there))["files"] == [
        "store/nol.zarr/new: is there, but not listed",
        f"{SHARD}: listed, but not there",
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("shape",), [5, 4, 13, 24, 10**6]),
        (("shape",), [7, 4, 13, 24, 24]),
        (("shape",), [5]),
        (("shape",), []),
        (("shape",), [0, 4, 13, 24, 24]),
        (("data_type",), "float64"),
        (("fill_value",), "x"),
        (("codecs", 0, "configuration", "chunk_shape"), [1, 1, 0, 24, 24]),
        (("codecs", 0, "configuration", "chunk_shape"), [2, 4, 13, 24, 24]),
        (("codecs", 0, "configuration", "codecs", 1, "name"), "zstd"),
        (("codecs", 0, "configuration", "index_codecs"), []),
        (("chunk_grid", "configuration", "chunk_shape"), [10**9, 4, 13, 24, 24]),
        (("attributes",), 3),
        (("dimension_names",), 3),
    ],
)
def test_metadata_that_say_something_else_end_no_verification(root: Path, path: tuple[Any, ...], value: Any) -> None:
    metadata = root / "store/nol.zarr/s2/zarr.json"
    plain = json.loads(metadata.read_text())
    inner = plain
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    metadata.write_text(json.dumps(plain))
    found = told(verify(root))
    assert any(line.startswith("store/nol.zarr/s2/zarr.json:") for line in found["checksums"])
    list_again(root)
    assert path[0] in ("fill_value", "attributes", "dimension_names") or "content" in told(verify(root))
