"""A release in a folder or in object storage.

TARGET/X.Y.Z/ holds README.md, manifest/ and store/; TARGET/releases/X.Y.Z.json says that they are a release. It is
created last, and only where there is none, which of two at once one can (pipeline/files.write_new).
"""

import json
from pathlib import Path

from pipeline.files import file_sizes, is_file, is_local, make_folder, write_new
from pipeline.manifest.marker import marker_path
from pipeline.manifest.publish.lock import publishing
from pipeline.manifest.publish.release import Release
from pipeline.manifest.publish.staging import (
    OnFile,
    clear_foreign,
    foreign_files,
    is_whole,
    stage,
    sync_folder,
    sync_folders,
)
from pipeline.object_lock import Tell
from pipeline.schema.errors import NoldoError
from pipeline.schema.paths import AnyPath


def refuse_released(target: AnyPath, version: str) -> None:
    """Raise NoldoError where a version is released in a target already."""
    if is_file(marker_path(target, version)):
        raise NoldoError(released_already(str(target), version))


def released_already(target: str, version: str) -> str:
    """What is said of a version that is there."""
    return (
        f"{version} is released already in {target}, and a release is never overwritten; "
        "give this one a version of its own: noldo manifest write DIR --set release.version=X.Y.Z"
    )


def publish_tree(release: Release, target: AnyPath, *, on_file: OnFile, tell: Tell) -> int:
    """Stage a release in a target, read it back and release it; returns how many files were there already.

    What ends before the marker is written, however it ends, leaves no release; the next call goes on from there.
    Raises NoldoError where the version is released already, or its place holds files that are none of its own.
    """
    with publishing(target, release.version, tell):
        refuse_released(target, release.version)
        final = target / release.version
        if is_local(final):
            reused = _stage_on_disk(release, final, on_file)
        else:
            reused = _stage_in_place(release, final, on_file)
        _mark(release, target)
    return reused


def _stage_in_place(release: Release, final: AnyPath, on_file: OnFile) -> int:
    """In object storage, where nothing can be renamed, a release is staged where it is to stay."""
    foreign = foreign_files(release, final)
    if foreign:
        raise NoldoError(_in_the_way(final, f"{len(foreign)} files of another kind, such as {foreign[0]}"))
    reused = stage(release, final, on_file)
    if file_sizes(final) != {file.name: file.bytes for file in release.files}:
        raise NoldoError(f"{final} changed while it was published; publish again")
    return reused


def _stage_on_disk(release: Release, final: Path, on_file: OnFile) -> int:
    """On a disk a release is staged beside its place and renamed."""
    if final.exists():  # by a publisher that ended between the rename and the marker, or by somebody else
        if not is_whole(release, final):
            raise NoldoError(_in_the_way(final, "other files"))
        on_file(len(release.files), len(release.files), len(release.files))
        return len(release.files)
    partial = final.with_name(f".{final.name}.partial")
    make_folder(partial)
    clear_foreign(release, partial)
    reused = stage(release, partial, on_file)
    sync_folders(partial)
    partial.rename(final)
    sync_folder(final.parent)
    return reused


def _in_the_way(final: AnyPath, what: str) -> str:
    return f"{final} holds {what}, and was never released; remove it, or give another target"


def _mark(release: Release, target: AnyPath) -> None:
    marker = marker_path(target, release.version)
    make_folder(marker.parent)
    plain = json.dumps(release.as_json(), indent=2, ensure_ascii=False) + "\n"
    if not write_new(marker, plain.encode()):
        raise NoldoError(released_already(str(target), release.version))
    if is_local(marker):
        sync_folder(marker.parent)
