import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from pipeline.files import file_sizes
from pipeline.manifest.publish import staging
from pipeline.manifest.publish import tree as module
from pipeline.manifest.publish.lock import publishing
from pipeline.manifest.publish.release import Release, read_release
from pipeline.manifest.publish.tree import publish_tree
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.paths import AnyPath

pytestmark = pytest.mark.xdist_group("storage")

KILLED = """
import os, signal, sys
from pipeline.files import open_path
from pipeline.manifest.publish import staging
from pipeline.manifest.publish.release import read_release
from pipeline.manifest.publish.tree import publish_tree
root, target, last = sys.argv[1], sys.argv[2], int(sys.argv[3])
send, sent = staging._send, []
staging.SENDERS = 1
def counted(source, where):
    if len(sent) == last:
        os.kill(os.getpid(), signal.SIGKILL)
    sent.append(where)
    send(source, where)
staging._send = counted
publish_tree(read_release(open_path(root)), open_path(target), on_file=lambda *_: None, tell=print)
"""


@pytest.fixture(params=["disk", "bucket"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> AnyPath:
    """A place to publish in."""
    if request.param == "disk":
        return tmp_path / "released"
    place: AnyPath = request.getfixturevalue("bucket")()
    return place


def silent(*_: object) -> None:
    """Hear nothing."""


def publish(release: Release, target: AnyPath) -> int:
    return publish_tree(release, target, on_file=silent, tell=silent)


def is_released(release: Release, target: AnyPath) -> bool:
    """Whether the target holds the release and nothing else, every byte as it is at the source."""
    names = {f"{release.version}/{file.name}": file.bytes for file in release.files}
    sizes = file_sizes(target)
    marker = sizes.pop(f"releases/{release.version}.json", None)
    same = all((target / release.version / f.name).read_bytes() == f.source.read_bytes() for f in release.files)
    return marker is not None and sizes == names and same


def test_a_release_is_there_whole_with_its_marker_and_nothing_private(tree: Path, target: AnyPath) -> None:
    release = read_release(tree)
    seen: list[tuple[int, int, int]] = []
    assert publish_tree(release, target, on_file=lambda *at: seen.append(at), tell=silent) == 0
    assert is_released(release, target)
    assert json.loads((target / "releases/1.2.3.json").read_bytes()) == release.as_json()
    assert (target / "1.2.3/README.md").read_bytes() == (tree / "manifest/README.md").read_bytes()
    assert seen == [(at + 1, 14, 0) for at in range(14)]


def test_a_copy_is_no_hard_link(tree: Path, tmp_path: Path) -> None:
    publish(read_release(tree), tmp_path / "released")
    assert {path.stat().st_nlink for path in (tmp_path / "released").rglob("*") if path.is_file()} == {1}


def test_a_version_is_released_once(
    tree: Path, target: AnyPath, make_tree: Callable[..., Path], tmp_path: Path
) -> None:
    release = read_release(tree)
    publish(release, target)
    for again in (release, read_release(make_tree(tmp_path / "again", salt="other"))):
        with pytest.raises(
            NoldoError, match=r"^1\.2\.3 is released already in .*never overwritten.*release\.version=X\.Y\.Z$"
        ):
            publish(again, target)
    assert is_released(release, target)


def test_two_versions_lie_side_by_side(
    tree: Path, target: AnyPath, make_tree: Callable[..., Path], tmp_path: Path
) -> None:
    publish(read_release(tree), target)
    publish(read_release(make_tree(tmp_path / "next", "1.3.0")), target)
    assert {path.name for path in (target / "releases").iterdir()} == {"1.2.3.json", "1.3.0.json"}


def keep_versions(target: AnyPath) -> Callable[[], list[str]]:
    """Have a bucket keep what is overwritten; returns a function that lists the keys of all that was ever put."""
    name = str(target).removeprefix("s3://").partition("/")[0]
    client = boto3.client("s3")
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return lambda: [version["Key"] for version in client.list_object_versions(Bucket=name)["Versions"]]


@pytest.mark.parametrize("last", [4, 12])
def test_killed_half_way_nothing_is_released_and_nothing_is_sent_twice(
    tree: Path, target: AnyPath, last: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = read_release(tree)
    puts = None if isinstance(target, Path) else keep_versions(target)
    command = [sys.executable, "-c", KILLED, str(tree), str(target), str(last)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=dict(os.environ), check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = file_sizes(target)
    assert not any(name.startswith("releases/") for name in left)
    if isinstance(target, Path):
        assert not (target / "1.2.3").exists()
    sent: list[str] = []
    send = staging._send

    def counted(source: AnyPath, where: AnyPath) -> None:
        sent.append(where.name)
        send(source, where)

    monkeypatch.setattr(staging, "_send", counted)
    assert publish(release, target) == last
    assert len(sent) == len(release.files) - last
    assert is_released(release, target)
    if puts is not None:
        keys = [key for key in puts() if "/.1.2.3.partial/" not in key]  # the lock, written anew while it is held
        assert len(keys) == len(set(keys)) == len(release.files) + 1


def test_killed_between_the_rename_and_the_marker_the_release_is_completed(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, target = read_release(tree), tmp_path / "released"

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_mark", end)
        with pytest.raises(KeyboardInterrupt):
            publish(release, target)
    assert (target / "1.2.3").is_dir()
    assert not (target / "releases").exists()
    assert publish(release, target) == len(release.files)
    assert is_released(release, target)


@pytest.mark.parametrize("kind", ["more", "other"])
def test_what_others_put_in_its_place_is_left_alone(tree: Path, tmp_path: Path, kind: str) -> None:
    target = tmp_path / "released"
    theirs = target / "1.2.3" / "store" / "mine.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    with pytest.raises(NoldoError, match=r"released/1\.2\.3 holds other files, and was never released; remove it"):
        publish(read_release(tree), target)
    assert theirs.read_text() == "mine"


def test_what_others_put_in_its_place_in_a_bucket_is_left_alone(tree: Path, bucket: Callable[[], AnyPath]) -> None:
    target = bucket()
    (target / "1.2.3/store/mine.txt").write_bytes(b"mine")
    with pytest.raises(NoldoError, match=r"1\.2\.3 holds 1 files of another kind, such as store/mine\.txt"):
        publish(read_release(tree), target)
    assert list(file_sizes(target)) == ["1.2.3/store/mine.txt"]


def test_what_was_staged_of_another_build_is_replaced(
    tree: Path, target: AnyPath, make_tree: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = read_release(make_tree(tmp_path / "other", salt="x"))
    if isinstance(target, Path):  # of a store that this build does not have
        (target / ".1.2.3.partial/store/old.zarr").mkdir(parents=True)
        (target / ".1.2.3.partial/store/old.zarr/zarr.json").write_text("{}")
    with monkeypatch.context() as patch:
        patch.setattr(module, "_mark", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        patch.setattr(module, "sync_folders", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            publish(other, target)
    assert publish(read_release(tree), target) < len(other.files)
    assert is_released(read_release(tree), target)
    assert not (target / "1.2.3/store/old.zarr").exists()


def test_a_file_that_does_not_read_back_is_not_released(
    tree: Path, target: AnyPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = staging._send

    def spoil(source: AnyPath, where: AnyPath) -> None:
        send(source, where)
        if where.name == "index.parquet":
            where.write_bytes(b"spoilt")

    monkeypatch.setattr(staging, "_send", spoil)
    with pytest.raises(NoldoError, match=r"index\.parquet does not read back as it was sent"):
        publish(read_release(tree), target)
    assert not (target / "releases/1.2.3.json").exists()
    assert not (target / "1.2.3/manifest/manifest-sha256.txt").exists()


def test_a_source_that_changes_meanwhile_is_not_released(tree: Path, target: AnyPath) -> None:
    release = read_release(tree)
    (tree / "store/nol.zarr/s2/c/1/0").write_bytes(b"changed")
    with pytest.raises(NoldoError, match=r"s2/c/1/0 changed while it was published"):
        publish(release, target)
    assert not (target / "releases/1.2.3.json").exists()


def test_of_two_publishers_at_once_one_wins(
    tree: Path, target: AnyPath, make_tree: Callable[..., Path], tmp_path: Path
) -> None:
    releases = [read_release(tree), read_release(make_tree(tmp_path / "other", salt="x"))]
    won: list[Release] = []
    refused: list[str] = []
    start = threading.Barrier(2)

    def run(release: Release) -> None:
        start.wait()
        try:
            publish(release, target)
            won.append(release)
        except NoldoError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=run, args=(release,)) for release in releases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1, refused
    assert len(refused) == 1
    assert "another publisher" in refused[0] or "released already" in refused[0]
    assert is_released(won[0], target)


def test_a_publisher_at_work_keeps_another_out(tree: Path, tmp_path: Path) -> None:
    with publishing(tmp_path / "released", "1.2.3", silent):
        with pytest.raises(UsageError, match=r"another publisher is at work on 1\.2\.3 in .*wait for it"):
            publish(read_release(tree), tmp_path / "released")
        publish_tree(read_release(tree), tmp_path / "elsewhere", on_file=silent, tell=silent)


def test_a_target_that_cannot_be_written_to_is_told(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match=r"cannot write to .*file: .*give another target"):
        publish(read_release(tree), tmp_path / "file")


def test_a_bucket_publishes_into_a_folder_and_another_bucket(
    tree: Path, bucket: Callable[[], AnyPath], tmp_path: Path, object_storage: str
) -> None:
    source = bucket()
    release = read_release(tree)
    for file in release.files:
        (source / file.name).write_bytes(file.source.read_bytes())
    remote = read_release(source)
    publish(remote, tmp_path / "released")
    assert is_released(release, tmp_path / "released")
    other = bucket()
    publish(remote, other)
    assert is_released(release, other)
