import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.manifest.publish.release import read_release
from pipeline.schema.errors import NoldoError


def relist(root: Path, change: Callable[[list[str]], list[str]]) -> None:
    listing = root / "manifest/manifest-sha256.txt"
    listing.write_text(
        "".join(sorted(change(listing.read_text().splitlines(keepends=True)), key=lambda line: line[66:]))
    )


def test_a_release_goes_shards_first_and_checksums_last(tree: Path) -> None:
    (tree / "manifest/manifest-sha256.txt.sig").write_bytes(b"signed")
    release = read_release(tree)
    names = [[file.name for file in phase] for phase in release.phases]
    assert names[0] == [f"store/nol.zarr/s2/c/{at}/0" for at in range(6)]
    assert names[1] == ["store/nol.zarr/s2/zarr.json", "store/nol.zarr/zarr.json"]
    assert set(names[2]) == {
        "README.md",
        "manifest/CITATION.cff",
        "manifest/README.md",
        "manifest/index.parquet",
        "manifest/provenance.json",
    }
    assert names[3] == ["manifest/manifest-sha256.txt.sig", "manifest/manifest-sha256.txt"]
    assert all(hashlib.sha256(file.source.read_bytes()).hexdigest() == file.sha256 for file in release.files)
    assert all(file.source.stat().st_size == file.bytes for file in release.files)


def test_a_release_tells_what_it_is(tree: Path) -> None:
    told = read_release(tree).as_json()
    listing = (tree / "manifest/manifest-sha256.txt").read_bytes()
    assert told["version"] == "1.2.3"
    assert told["title"] == "A small data set"
    assert told["date"] == "2026-11-22"
    assert told["content_digest"].startswith("sha256:")
    assert told["manifest_sha256"] == hashlib.sha256(listing).hexdigest()
    assert told["files"] == 14
    assert told["signed"] is False
    assert told["bytes"] == sum(file.bytes for file in read_release(tree).files)
    (tree / "manifest/manifest-sha256.txt.sig").write_text("x")
    assert read_release(tree).as_json()["signed"] is True


@pytest.mark.parametrize(
    "name", ["store/nol.zarr/labels/mine/zarr.json", "store/nol.zarr/.hidden", "recipe.yaml", "store/.nol.zarr.inputs"]
)
def test_what_is_private_is_not_published_even_if_listed(tree: Path, name: str) -> None:
    digest = hashlib.sha256((tree / name).read_bytes()).hexdigest()
    relist(tree, lambda lines: [*lines, f"{digest}  {name}\n"])
    with pytest.raises(NoldoError, match=f"lists {name}, which is private"):
        read_release(tree)


def test_a_file_that_is_missing_is_named(tree: Path) -> None:
    (tree / "store/nol.zarr/s2/c/3/0").unlink()
    with pytest.raises(NoldoError, match=r"s2/c/3/0 is not there; run noldo manifest verify"):
        read_release(tree)


def test_a_list_that_leads_elsewhere_is_refused(tree: Path) -> None:
    relist(tree, lambda lines: [*lines, f"{'0' * 64}  ../secret\n"])
    with pytest.raises(NoldoError, match=r"not plainly within the folder"):
        read_release(tree)


def test_a_folder_without_a_manifest_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(
        NoldoError, match=r"manifest-sha256.txt cannot be read \(No such file.*run noldo manifest write"
    ):
        read_release(tmp_path)


def test_a_manifest_that_tells_of_no_release_says_what_to_run(tree: Path) -> None:
    plain = json.loads((tree / "manifest/provenance.json").read_text())
    for release in ({}, {"version": "../../elsewhere", "date": "2026-11-22"}):
        told = {"content_digest": plain["content_digest"], "release": release}
        (tree / "manifest/provenance.json").write_text(json.dumps(told))
        with pytest.raises(NoldoError, match=r"does not say what release it is .*; run noldo manifest write"):
            read_release(tree)
