"""Publish a data set: what is checked before anything is sent, and what is told afterwards."""

from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath
from typing import Any

from pipeline.files import is_local, on_disk, open_path
from pipeline.manifest.marker import marker_path
from pipeline.manifest.publish.hub import (
    SCHEME,
    HubTarget,
    has_token,
    hub_target,
    publish_on_hub,
    refuse_tagged,
    size_on_hub,
)
from pipeline.manifest.publish.release import Release
from pipeline.manifest.publish.staging import OnFile
from pipeline.manifest.publish.tree import publish_tree, refuse_released
from pipeline.manifest.verify.run import OnProgress, verify
from pipeline.object_lock import Tell
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.paths import AnyPath

Target = AnyPath | HubTarget


@dataclass(frozen=True)
class Published:
    """What was released, or would be."""

    release: Release
    where: str
    """Where its files are."""
    marker: str
    """What makes them a release: a file, or a tag."""
    reused: int
    """Files that were there already."""
    limits: tuple[str, ...] = ()
    """The Hub's limits beside the release's figures."""

    def as_json(self) -> dict[str, Any]:
        """Plain data for --json."""
        return {**self.release.as_json(), "where": self.where, "marker": self.marker, "reused": self.reused}

    def lines(self, done: str) -> list[str]:
        """For a person; `done` says what happened."""
        release = self.release
        return [
            f"{done} {release.title} {release.version}, {release.date}",
            f"content         {release.content_digest}",
            f"where           {self.where}",
            f"marker          {self.marker}",
            f"files           {len(release.files)}, {self.reused} of them there already; {release.bytes / 1e6:.1f} MB",
            *self.limits,
        ]


def open_target(text: str, root: AnyPath) -> Target:
    """Where a user wants a data set published; UsageError where that cannot be."""
    if text.startswith(SCHEME):
        on_disk(root, "publishing on the Hub")
        return hub_target(text)
    target = open_path(text)
    if is_local(target) == is_local(root):
        for folder in ("manifest", "store"):
            if _absolute(target).is_relative_to(_absolute(root / folder)):
                raise UsageError(f"{target} lies within the data set's own {folder}/; give another target")
    return target


def _absolute(path: AnyPath) -> PurePath:
    return path.resolve() if is_local(path) else PurePosixPath(f"{path.protocol}:{path.path}")


def require_version(release: Release, wanted: str | None, root: AnyPath) -> None:
    """Raise UsageError where another version was asked for than the manifest's."""
    if wanted not in (None, release.version):
        raise UsageError(
            f"{root}/manifest is that of {release.version}, not {wanted}; "
            f"run noldo manifest write {root} --set release.version={wanted}"
        )


def preview(release: Release, target: Target) -> Published:
    """What would be published, told without a word to the target; NoldoError where that has no room for it."""
    if not isinstance(target, HubTarget):
        marker = marker_path(target, release.version)
        return Published(release, str(target / release.version), str(marker), reused=0)
    size = size_on_hub(release)
    problem = size.problem()
    if problem is not None:
        raise NoldoError(f"{target} cannot hold it: {problem}")
    return Published(release, str(target), f"tag {release.version}", reused=0, limits=tuple(size.lines()))


def may_write(target: Target) -> bool:
    """Whether there is a token, where one is needed."""
    return not isinstance(target, HubTarget) or has_token()


def require_token(target: Target) -> None:
    """Raise NoldoError where a token is needed and there is none."""
    if not may_write(target):
        raise NoldoError(f"nothing was sent: {target} wants a token that may write; set HF_TOKEN or run hf auth login")


def refuse_what_is_there(release: Release, target: Target) -> None:
    """Raise NoldoError where the version is released already."""
    if isinstance(target, HubTarget):
        refuse_tagged(target, release.version)
    else:
        refuse_released(target, release.version)


def require_sound(root: AnyPath, on_progress: OnProgress) -> None:
    """Verify all of a data set; NoldoError where anything does not hold."""
    report = verify(root, on_progress=on_progress)
    if not report.ok:
        first = report.findings[0]
        raise NoldoError(
            f"{root} is not what its manifest says, so nothing was sent: {first.where}: {first.what}"
            f" ({len(report.findings)} found; noldo manifest verify {root} tells all)"
        )


def publish(release: Release, target: Target, *, on_file: OnFile, tell: Tell) -> Published:
    """Stage, read back and release; the source must be sound. See publish_tree and publish_on_hub."""
    planned = preview(release, target)
    refuse_what_is_there(release, target)
    if isinstance(target, HubTarget):
        reused = publish_on_hub(release, target, on_file=on_file)
    else:
        reused = publish_tree(release, target, on_file=on_file, tell=tell)
    return Published(release, planned.where, planned.marker, reused, planned.limits)
