"""A release in a repository of data sets on the Hugging Face Hub.

The repository's main branch is the stage: it takes the release's files in commits of few, and loses what an earlier
release had and this one has not. The tag X.Y.Z, made last, is the release; the Hub makes a tag once (HTTP 409).
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils.tqdm import disable_progress_bars

from pipeline.manifest.publish.hub_limits import COMMIT_FILES, HubSize, hub_size
from pipeline.manifest.publish.release import CARD, Release, ReleaseFile
from pipeline.manifest.publish.staging import OnFile
from pipeline.manifest.publish.tree import released_already
from pipeline.schema.errors import NoldoError, UsageError

SCHEME: Final = "hf://"
KEPT: Final = frozenset({".gitattributes"})
"""The Hub's own file in a repository: it says which files are stored as large ones."""

_TARGET: Final = re.compile(r"hf://datasets/([\w.-]+/[\w.-]+)/?")
_CONFLICT: Final = 409
"""What the Hub answers where a tag is there."""


@dataclass(frozen=True)
class HubTarget:
    """A repository of data sets."""

    repository: str
    """OWNER/NAME."""

    def __str__(self) -> str:
        """As a user writes it."""
        return f"{SCHEME}datasets/{self.repository}"


def hub_target(text: str) -> HubTarget:
    """The repository that a user named; UsageError where it is none."""
    found = _TARGET.fullmatch(text)
    if found is None:
        raise UsageError(f"{text}: write hf://datasets/OWNER/NAME; versions are its tags")
    return HubTarget(found[1])


def size_on_hub(release: Release) -> HubSize:
    """How much room the release takes; whether it fits is told by `problem`."""
    return hub_size({file.name: file.bytes for file in release.files}, KEPT)


def has_token() -> bool:
    """Whether a token is to be found where the Hub's own tools look for it: HF_TOKEN, or `hf auth login`."""
    return get_token() is not None


def refuse_tagged(target: HubTarget, version: str) -> None:
    """Raise NoldoError where the repository has the version's tag; one that is not there has none."""
    try:
        with hub_failures(target):
            refs = HfApi().list_repo_refs(target.repository, repo_type="dataset")
    except NoldoError as error:
        if isinstance(error.__cause__, RepositoryNotFoundError):
            return
        raise
    if any(tag.name == version for tag in refs.tags):
        raise NoldoError(released_already(str(target), version))


@contextmanager
def hub_failures(target: HubTarget) -> Iterator[None]:
    """Turn what the Hub's client raises into a NoldoError of one line."""
    try:
        yield
    except Exception as error:
        if not _is_of_the_hub(error):
            raise
        status = getattr(getattr(error, "response", None), "status_code", None)
        said = getattr(error, "server_message", None) or str(error.__cause__ or error).strip() or type(error).__name__
        reason = said.splitlines()[0].rstrip(".")
        what = f"the Hub refused with {status}: {reason}" if status else f"the Hub could not be had: {reason}"
        raise NoldoError(f"{target}: {what}; see to it, then run the same command again") from error


def _is_of_the_hub(error: Exception) -> bool:
    """Whether the Hub's client or what it sends with failed; a failed upload is a RuntimeError of either."""
    return isinstance(error, (HfHubHTTPError, RuntimeError, ValueError)) or type(error).__module__.startswith("httpx")


def publish_on_hub(release: Release, target: HubTarget, *, on_file: OnFile) -> int:
    """Send a release to the Hub and tag it; returns how many files were there already.

    What ends before the tag is made leaves no release; the next call goes on from there. Raises NoldoError where the
    version is tagged already, the repository holds files of somebody else's, the Hub refuses, or its record of a
    file's digest differs from ours.
    """
    with hub_failures(target):
        return _publish(release, target, on_file)


def _publish(release: Release, target: HubTarget, on_file: OnFile) -> int:
    disable_progress_bars()  # ours tells of the whole release
    api = HfApi()
    refuse_tagged(target, release.version)
    api.create_repo(target.repository, repo_type="dataset", exist_ok=True)
    there = _recorded(api, target)
    _refuse_foreign(there, target)
    reused = {file.name for file in release.files if _is_same(file, there.get(file.name))}
    settled = len(reused)
    on_file(settled, len(release.files), len(reused))
    stale = [name for name in there if name not in KEPT and name not in {file.name for file in release.files}]
    message = f"{release.title} {release.version}"
    for phase in release.phases:
        for batch in _batches([file for file in phase if file.name not in reused], COMMIT_FILES):
            _commit(api, target, [CommitOperationAdd(file.name, str(file.source)) for file in batch], message)
            settled += len(batch)
            on_file(settled, len(release.files), len(reused))
    for names in _batches(stale, COMMIT_FILES):
        _commit(api, target, [CommitOperationDelete(name, is_folder=False) for name in names], message)
    _tag(api, target, release)
    return len(reused)


def _refuse_foreign(there: Iterable[str], target: HubTarget) -> None:
    """Raise NoldoError where a repository holds files that no release can have brought."""
    foreign = sorted(n for n in there if n not in {*KEPT, CARD} and not n.startswith(("manifest/", "store/")))
    if foreign:
        what = f"holds {len(foreign)} files of another kind, such as {foreign[0]}"
        raise NoldoError(f"{target} {what}; remove them, or give another repository")


def _commit(api: HfApi, target: HubTarget, operations: Sequence[Any], message: str) -> None:
    api.create_commit(target.repository, operations, commit_message=message, repo_type="dataset")


def _tag(api: HfApi, target: HubTarget, release: Release) -> None:
    """Compare what the Hub recorded of every file with what is published, then tag the commit that it belongs to."""
    commit = api.repo_info(target.repository, repo_type="dataset").sha
    there = _recorded(api, target, commit)
    wrong = [file.name for file in release.files if not _is_same(file, there.get(file.name))]
    wrong += sorted(set(there) - KEPT - {file.name for file in release.files})
    if wrong:
        raise NoldoError(f"{target}: {len(wrong)} files are not on the Hub as sent, such as {wrong[0]}; publish again")
    try:
        api.create_tag(
            target.repository, tag=release.version, tag_message=release.title, revision=commit, repo_type="dataset"
        )
    except HfHubHTTPError as error:
        if error.response is None or error.response.status_code != _CONFLICT:
            raise
        raise NoldoError(released_already(str(target), release.version)) from error


def _recorded(api: HfApi, target: HubTarget, revision: str | None = None) -> dict[str, RepoFile]:
    """What the Hub tells of every file of a revision."""
    tree = api.list_repo_tree(target.repository, repo_type="dataset", recursive=True, revision=revision)
    return {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}


def _is_same(file: ReleaseFile, entry: RepoFile | None) -> bool:
    """Whether the Hub's record is of the same bytes: SHA-256 of a large file, git's digest of a small one."""
    if entry is None or entry.size != file.bytes:
        return False
    if entry.lfs is not None:
        return bool(entry.lfs.sha256 == file.sha256)
    return bool(entry.blob_id == _git_blob(file.source.read_bytes()))


def _git_blob(data: bytes) -> str:
    """Git's name for a file's content (git-hash-object(1))."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _batches(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch
