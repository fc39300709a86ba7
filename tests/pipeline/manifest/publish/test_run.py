import hashlib
from pathlib import Path
from typing import Any

import pytest

from pipeline.files import open_path
from pipeline.manifest.publish import hub_limits, run
from pipeline.manifest.publish.hub import HubTarget
from pipeline.manifest.publish.release import read_release
from pipeline.schema.errors import NoldoError, UsageError

# Of huggingface_hub's own upload by Git LFS.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


def silent(*_: object) -> None:
    """Hear nothing."""


def test_a_preview_says_where_all_goes_and_touches_nothing(tree: Path, tmp_path: Path) -> None:
    planned = run.preview(read_release(tree), run.open_target(str(tmp_path / "out"), tree))
    assert planned.where == str(tmp_path / "out" / "1.2.3")
    assert planned.marker == str(tmp_path / "out" / "releases" / "1.2.3.json")
    assert planned.as_json()["files"] == 14
    assert not (tmp_path / "out").exists()
    assert planned.lines("would publish")[0] == "would publish A small data set 1.2.3, 2026-11-22"


def test_a_preview_for_the_hub_asks_nobody_and_holds_it_against_the_limits(
    tree: Path, hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, target = read_release(tree), HubTarget("we/demo")
    assert any("of fewer than 100000" in line for line in run.preview(release, target).lines("would publish"))
    assert hub.requests == []
    monkeypatch.setattr(hub_limits, "MAX_ENTRIES", 6)
    with pytest.raises(
        NoldoError,
        match=r"^hf://datasets/we/demo cannot hold it: 6 entries in store/nol.zarr/s2/c.*larger store\.shard_rows",
    ):
        run.publish(release, target, on_file=silent, tell=silent)
    assert hub.requests == []


def test_another_version_than_the_manifests_says_what_to_run(tree: Path) -> None:
    release = read_release(tree)
    run.require_version(release, None, tree)
    run.require_version(release, "1.2.3", tree)
    with pytest.raises(
        UsageError, match=r"is that of 1\.2\.3, not 2\.0\.0; run noldo manifest write .*version=2\.0\.0$"
    ):
        run.require_version(release, "2.0.0", tree)


@pytest.mark.parametrize("folder", ["manifest", "store", "store/nol.zarr"])
def test_nothing_is_published_into_the_data_set_itself(tree: Path, folder: str) -> None:
    with pytest.raises(UsageError, match="lies within the data set's own"):
        run.open_target(str(tree / folder), tree)
    with pytest.raises(UsageError, match="lies within the data set's own"):
        run.open_target(f"s3://bucket/run/{folder}", open_path("s3://bucket/run"))
    assert run.open_target(str(tree), tree) == tree
    assert str(run.open_target("s3://bucket/run", open_path("s3://bucket/run"))) == "s3://bucket/run"


def test_only_what_lies_on_a_disk_goes_to_the_hub() -> None:
    with pytest.raises(UsageError, match="publishing on the Hub works on a disk only"):
        run.open_target("hf://datasets/we/demo", open_path("s3://bucket/run"))


def test_a_token_is_wanted_for_the_hub_alone(hub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run.require_token(HubTarget("we/demo"))
    monkeypatch.setattr(run, "has_token", lambda: False)
    run.require_token(tmp_path)
    with pytest.raises(NoldoError, match=r"^nothing was sent: hf://datasets/we/demo wants a token"):
        run.require_token(HubTarget("we/demo"))


def test_a_data_set_that_does_not_hold_is_refused_with_what_was_found(ours: Any) -> None:
    run.require_sound(ours.run.root, silent)
    card = ours.run.manifest / "CITATION.cff"
    kept = card.read_bytes()
    card.write_bytes(kept.replace(b"version", b"Version"))
    try:
        with pytest.raises(
            NoldoError, match=r"nothing was sent: manifest/CITATION\.cff: .* found; noldo manifest verify"
        ):
            run.require_sound(ours.run.root, silent)
    finally:
        card.write_bytes(kept)


def test_a_release_is_published_on_the_hub_as_told(tree: Path, hub: Any) -> None:
    done = run.publish(read_release(tree), HubTarget("we/demo"), on_file=silent, tell=silent)
    assert (done.where, done.marker, done.reused) == ("hf://datasets/we/demo", "tag 1.2.3", 0)
    listing = hub.head["manifest/manifest-sha256.txt"]
    assert hashlib.sha256(listing).hexdigest() == done.as_json()["manifest_sha256"]
    with pytest.raises(NoldoError, match="released already"):
        run.publish(read_release(tree), HubTarget("we/demo"), on_file=silent, tell=silent)
