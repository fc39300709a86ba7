import shutil
import subprocess
from typing import Any

import numpy as np
import pytest
import zarr

from pipeline.manifest.checksums import CHECKSUMS_FILE, checksum_lines, verify_checksums
from pipeline.manifest.digest import digest_run
from pipeline.schema.errors import NoldoError


def test_sha256sum_accepts_the_list(described: Any) -> None:
    tool = shutil.which("sha256sum")
    if tool is None:
        pytest.skip("no sha256sum here")
    listing = f"manifest/{CHECKSUMS_FILE}"
    done = subprocess.run([tool, "-c", "--strict", listing], cwd=described.run.root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": OK") == len((described.run.root / listing).read_text().splitlines())


def test_every_published_file_is_listed_in_order(described: Any) -> None:
    root = described.run.root
    names = [line[66:] for line in (described.run.manifest / CHECKSUMS_FILE).read_text().splitlines()]
    assert names == sorted(names)
    there = {
        p.relative_to(root).as_posix()
        for folder in (described.run.manifest, described.store)
        for p in folder.rglob("*")
        if p.is_file() and not p.name.startswith(".")
    }
    assert set(names) == there - {f"manifest/{CHECKSUMS_FILE}"}
    # Group, three arrays, three shards of each; and the store's own statistics.
    of_store = [name for name in names if name.startswith("store/nol.zarr/")]
    assert len([name for name in of_store if "nol.zarr/statistics/" not in name]) == 4 + 9


def test_a_check_tells_what_is_missing_changed_and_unlisted(described: Any) -> None:
    root = described.run.root
    report = verify_checksums(described.run)
    assert report.ok
    assert report.checked == len((described.run.manifest / CHECKSUMS_FILE).read_text().splitlines())
    (described.store / "s2" / "zarr.json").write_text("{}")
    described.run.index.unlink()
    (described.store / "extra").touch()
    (described.store / ".private").touch()
    report = verify_checksums(described.run)
    assert not report.ok
    assert report.changed == ("store/nol.zarr/s2/zarr.json",)
    assert report.missing == (described.run.index.relative_to(root).as_posix(),)
    assert report.unlisted == ("store/nol.zarr/extra",)


def test_labels_that_were_added_change_neither_digest_nor_check(described: Any) -> None:
    before = digest_run(described.run)
    added = zarr.open_group(described.store).create_group("labels")
    added.create_array("pl", data=np.zeros(zarr.open_array(described.store, path="dw").shape, np.uint8))
    assert digest_run(described.run) == before
    assert verify_checksums(described.run).ok


def test_the_digest_is_that_of_the_bytes(tmp_path: Any) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert checksum_lines({"x/a": tmp_path / "a"}) == f"{known}  x/a\n"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("no checksum", "no '<sha256>  <path>' line"),
        (f"{'0' * 64}  ../outside", "a path that is not plainly within"),
        (f"{'0' * 64}  /etc/hosts", "a path that is not plainly within"),
        (f"{'0' * 64}  x\n{'0' * 64}  x", "line 2: a path that is listed before"),
    ],
)
def test_a_list_that_is_none_is_refused(described: Any, line: str, what: str) -> None:
    (described.run.manifest / CHECKSUMS_FILE).write_text(f"{line}\n")
    with pytest.raises(NoldoError, match=what):
        verify_checksums(described.run)
    (described.run.manifest / CHECKSUMS_FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(NoldoError, match="line 1: no UTF-8 text"):
        verify_checksums(described.run)
    (described.run.manifest / CHECKSUMS_FILE).unlink()
    with pytest.raises(NoldoError, match=f"write the manifest first: noldo manifest write {described.run.root}"):
        verify_checksums(described.run)
