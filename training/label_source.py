"""Which label maps of a store are learnt from: its own, others that were added to it, or some that lie elsewhere."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import tensorstore as ts
from upath import UPath

from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.layout import ADDED_LABELS
from pipeline.schema.paths import AnyPath
from training.store_files import kvstore_spec, read_file, reason

OWN_LABELS: Final = "dw"
"""The label source that every store has: the array of Dynamic World's labels."""

CONFIDENCE_SUFFIX: Final = "_confidence"
"""What the array of confidences is called behind the name of its labels."""

LABELS_DIGEST: Final = "content_digest"
"""Attribute of an added label array: the digest of its content; of its confidences: the digest of their labels."""

STORE_DIGEST: Final = "store_digest"
"""Attribute of an added array: the content digest of the store that it was made for, where that carried one."""


@dataclass(frozen=True)
class LabelSource:
    """Label maps of a store's rows."""

    name: str
    """For result.json and for people: dw, or the array's own name."""
    folder: AnyPath
    """Of the array."""
    array: Any
    """tensorstore of uint8 (N, 4, P, P): class 0..8, or 255 where there is no label."""
    digest: str | None
    """Digest of the content; None for the store's own labels, which the store's digest covers."""
    confidence: Any | None
    """tensorstore of uint8 (N, 4, P, P): 255 times the confidence of each label; None where they came without."""

    @property
    def confidence_folder(self) -> AnyPath:
        """Where the array of the confidences lies or would lie: beside the labels, by their name and a suffix."""
        return self.folder.parent / (self.folder.name + CONFIDENCE_SUFFIX)


def open_label_source(store: AnyPath, source: str, shape: tuple[int, ...]) -> LabelSource:
    """Open the labels that the setting `label_source` asks for.

    `source`: `dw`; the name of labels that were added to the store; or a path or URL of an array elsewhere, which is
    what has a slash in it. `shape`: (N, 4, P, P) of the store. Raises UsageError where there are none of that name or
    they do not fit the store or were made for another state of it, NoldoError where they are damaged or cannot be
    reached.
    """
    folder = labels_folder(store, source)
    metadata = read_file(folder, "zarr.json")
    if metadata is None:
        raise UsageError(f"label_source is '{source}', but there is no array {folder}{_known(store)}")
    array = _open_maps(folder, store, shape)
    if source == OWN_LABELS:
        return LabelSource(folder.name, folder, array, None, None)
    _require_made_for(store, folder, metadata)
    found = LabelSource(folder.name, folder, array, _digest(folder, metadata), None)
    return replace(found, confidence=_open_confidence(found, store, shape))


def content_digest_of(store: AnyPath) -> str | None:
    """The digest of its content that a store carries; None where it carries none."""
    digest = json.loads(read_file(store, "zarr.json") or b"{}").get("attributes", {}).get("content_digest")
    return digest if isinstance(digest, str) else None


def labels_folder(store: AnyPath, source: str) -> AnyPath:
    """Where the array of a label source lies or would lie; see open_label_source."""
    if "/" in source:
        return UPath(source) if "://" in source else Path(source)
    return store / source if source == OWN_LABELS else store / ADDED_LABELS / source


def _open_confidence(labels: LabelSource, store: AnyPath, shape: tuple[int, ...]) -> Any | None:
    folder = labels.confidence_folder
    metadata = read_file(folder, "zarr.json")
    if metadata is None:
        return None
    array = _open_maps(folder, store, shape)
    _require_made_for(store, folder, metadata)
    if json.loads(metadata).get("attributes", {}).get(LABELS_DIGEST) not in (None, labels.digest):
        raise UsageError(f"{folder} is of another state of {labels.folder}; make both again (noldo pseudo-label)")
    return array


def _require_made_for(store: AnyPath, folder: AnyPath, metadata: bytes) -> None:
    made_for, now = json.loads(metadata).get("attributes", {}).get(STORE_DIGEST), content_digest_of(store)
    if made_for is not None and now is not None and made_for != now:
        raise UsageError(f"{folder} was made for another state of {store}; make it again")


def _open_maps(folder: AnyPath, store: AnyPath, shape: tuple[int, ...]) -> Any:
    whole = {"fill_missing_data_reads": False}  # a chunk that is not there is damage, not the fill value
    try:
        spec = {"driver": "zarr3", "kvstore": kvstore_spec(folder), **whole}
        array = ts.open(spec, open=True, read=True).result()
    except ValueError as error:
        raise NoldoError(f"{folder} cannot be opened ({reason(error)}); restore it, or make it again") from error
    if tuple(array.shape) != shape or array.dtype != ts.uint8:
        raise UsageError(
            f"{folder} is {array.dtype.name} {tuple(array.shape)}, but labels of {store} are uint8 {shape}; "
            "give labels that were made for this store"
        )
    return array


def _known(store: AnyPath) -> str:
    added = store / ADDED_LABELS
    if not isinstance(added, Path):
        return ""
    folders = (f.name for f in added.iterdir() if f.is_dir()) if added.is_dir() else ()
    names = sorted(name for name in folders if not name.startswith(".") and not name.endswith(CONFIDENCE_SUFFIX))
    return f"; {store} has {', '.join((OWN_LABELS, *names))}"


def _digest(folder: AnyPath, metadata: bytes) -> str:
    """The digest that the array carries; of one that carries none, a digest of its files' names, sizes and times."""
    carried = json.loads(metadata).get("attributes", {}).get(LABELS_DIGEST)
    if isinstance(carried, str):
        return carried
    if not isinstance(folder, Path):
        raise UsageError(f"{folder} carries no digest of its content (attribute {LABELS_DIGEST}); copy it to a disk")
    digest = hashlib.sha256()
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        status = file.stat()
        digest.update(f"{file.relative_to(folder)} {status.st_size} {status.st_mtime_ns}\n".encode())
    return f"files-sha256:{digest.hexdigest()}"
