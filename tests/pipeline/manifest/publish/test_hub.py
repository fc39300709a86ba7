from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from pipeline.manifest.publish import hub as module
from pipeline.manifest.publish.hub import HubTarget, hub_target, publish_on_hub, refuse_tagged
from pipeline.manifest.publish.release import Release, read_release
from pipeline.schema.errors import NoldoError, UsageError

# Of huggingface_hub's own upload by Git LFS.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

TARGET = HubTarget("we/demo")


def publish(release: Release) -> int:
    return publish_on_hub(release, TARGET, on_file=lambda *_: None)


def is_released(release: Release, hub: Any) -> bool:
    """Whether the tag is of a commit that holds the release and nothing else but the Hub's own file."""
    files = dict(hub.commits[int(hub.tags[release.version], 16) - 1])
    del files[".gitattributes"]
    return files == {file.name: file.source.read_bytes() for file in release.files}


def test_a_release_is_a_tag_of_a_commit_that_holds_it(tree: Path, hub: Any) -> None:
    release = read_release(tree)
    seen: list[tuple[int, int, int]] = []
    assert publish_on_hub(release, TARGET, on_file=lambda *at: seen.append(at)) == 0
    assert is_released(release, hub)
    assert seen[-1] == (14, 14, 0)
    assert len(hub.puts) == 6
    commits = [set(after) - set(before) for before, after in zip(hub.commits, hub.commits[1:], strict=False)]
    assert [sorted(names)[0].split("/")[0] for names in commits] == ["store", "store", "README.md", "manifest"]
    assert commits[-1] == {"manifest/manifest-sha256.txt"}


def test_a_version_is_released_once_and_refused_before_anything_is_sent(
    tree: Path, hub: Any, make_tree: Callable[..., Path], tmp_path: Path
) -> None:
    publish(read_release(tree))
    before = len(hub.commits), len(hub.puts)
    with pytest.raises(
        NoldoError, match=r"^1\.2\.3 is released already in hf://datasets/we/demo, and a release is never"
    ):
        publish(read_release(make_tree(tmp_path / "other", salt="x")))
    assert (len(hub.commits), len(hub.puts)) == before


def test_the_next_version_takes_the_place_of_the_last_one_whose_tag_stays(
    tree: Path, hub: Any, make_tree: Callable[..., Path], tmp_path: Path
) -> None:
    first = read_release(tree)
    publish(first)
    following = make_tree(tmp_path / "next", "1.3.0")
    listing = following / "manifest/manifest-sha256.txt"
    listing.write_text("".join(line for line in listing.read_text().splitlines(True) if "c/5/0" not in line))
    second = read_release(following)
    assert publish(second) == 5 + 2 + 4  # shards, metadata; README twice, citation, index
    assert is_released(second, hub)
    assert is_released(first, hub)


def test_what_others_put_into_a_repository_is_left_alone(tree: Path, hub: Any) -> None:
    hub.exists, theirs = True, {".gitattributes": b"* text\n", "README.md": b"of the web page", "figures/map.png": b"m"}
    hub.commits = [theirs]
    with pytest.raises(NoldoError, match=r"holds 1 files of another kind, such as figures/map\.png; remove them"):
        publish(read_release(tree))
    assert (hub.commits, hub.puts, hub.tags) == ([theirs], [], {})


def test_what_ended_half_way_goes_on_without_sending_again(tree: Path, hub: Any) -> None:
    release = read_release(tree)
    hub.refuse = lambda method, path: 403 if "/commit/" in path and len(hub.commits) == 3 else None
    with pytest.raises(NoldoError, match=r"^hf://datasets/we/demo: the Hub refused with 403: .*run the same command"):
        publish(release)
    assert hub.tags == {}
    assert len(hub.puts) == 6
    hub.refuse = lambda method, path: None
    assert publish(release) == 8
    assert is_released(release, hub)
    assert len(hub.puts) == 6


def test_a_file_that_the_hub_records_otherwise_is_not_released(
    tree: Path, hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = hub._commit

    def spoil(lines: list[dict[str, Any]]) -> Any:
        answer = commit(lines)
        if "store/nol.zarr/s2/c/2/0" in hub.head:
            hub.head["store/nol.zarr/s2/c/2/0"] = b"y" * 1000
        return answer

    monkeypatch.setattr(hub, "_commit", spoil)
    with pytest.raises(NoldoError, match=r"1 files are not on the Hub as sent, such as store/nol.zarr/s2/c/2/0"):
        publish(read_release(tree))
    assert hub.tags == {}


def test_of_two_publishers_the_tag_goes_to_one(tree: Path, hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def tag_first(*_: Any) -> None:
        hub.tags["1.2.3"] = hub.sha(1)

    monkeypatch.setattr(module, "refuse_tagged", tag_first)
    with pytest.raises(NoldoError, match=r"^1\.2\.3 is released already"):
        publish(read_release(tree))
    assert hub.tags == {"1.2.3": hub.sha(1)}


def test_a_hub_that_cannot_be_reached_is_one_plain_line(hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(
        NoldoError, match=r"^hf://datasets/we/demo: the Hub could not be had: [^\n]+run the same command"
    ):
        refuse_tagged(TARGET, "1.2.3")


def test_a_repository_that_is_not_there_has_no_tags(hub: Any) -> None:
    refuse_tagged(TARGET, "1.2.3")
    assert hub.requests == ["GET /api/datasets/we/demo/refs"]


@pytest.mark.parametrize("text", ["hf://we/demo", "hf://datasets/demo", "hf://models/we/demo", "hf://datasets/a/b/c"])
def test_only_repositories_of_data_sets_are_targets(text: str) -> None:
    with pytest.raises(UsageError, match="write hf://datasets/OWNER/NAME"):
        hub_target(text)


def test_a_target_is_written_as_it_was_read() -> None:
    assert str(hub_target("hf://datasets/we/demo")) == "hf://datasets/we/demo"


def test_large_files_go_by_the_hubs_own_storage(tree: Path, hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    release = read_release(tree)
    publish(release)
    files = hub.commits[int(hub.tags["1.2.3"], 16) - 1]
    shards = release.phases[0]
    assert [(files[file.name].sha256, files[file.name].bytes) for file in shards] == [
        (f.sha256, f.bytes) for f in shards
    ]
    assert hub.puts == []
