"""Label arrays that are added to a finished store: written aside, read back, then put in place by renaming.

Until its rename an array lies under a name that begins with a dot, in the group of added labels; what was written is
used again when the same arrays are written after an interruption, shard by shard.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import zarr
from numpy.typing import NDArray

from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.landcover import IGNORE
from pipeline.schema.layout import ADDED_LABELS
from pipeline.schema.paths import AnyPath
from training.label_source import LABELS_DIGEST, OWN_LABELS, STORE_DIGEST, content_digest_of
from training.new_label_array import WRITE_ALL, new_label_array
from training.pseudo.put_in_place import finish_placing, partial_folder, put_in_place

PROVENANCE: Final = "provenance"
"""Attribute of an added array: how it was made."""

COPIED_ATTRIBUTES: Final = ("flag_values", "flag_meanings")
"""Of the store's own labels; added ones have the same legend."""

UNSHARDED_ROWS: Final = 64
"""Rows of a shard where the store's own labels are not sharded."""

Rows = Callable[[range], Mapping[str, NDArray[np.uint8]]]
"""Makes some rows of every array, (n, 4, P, P), by array name."""


@dataclass(frozen=True)
class AddedArray:
    """One array to write."""

    name: str
    attributes: Mapping[str, Any]
    """long_name and what else tells about it."""
    fill: int
    """What stands where there is nothing."""
    labels: str | None = None
    """Of confidences: the name of their labels."""


def writable(store: AnyPath) -> Path:
    """The store as one that can be added to; UsageError for object storage, where nothing can be renamed."""
    if not isinstance(store, Path):
        raise UsageError(f"{store}: labels are added to a store on a disk only; copy the store to one first")
    return store


def label_attributes(store: Path, long_name: str, comment: str) -> dict[str, Any]:
    """CF attributes of a label array with the legend of the store's own labels."""
    own = dict(zarr.open_array(store / OWN_LABELS, mode="r").attrs)
    legend: dict[str, Any] = {name: own[name] for name in COPIED_ATTRIBUTES if name in own}
    return {"long_name": long_name, "units": "1", "_FillValue": IGNORE, "comment": comment, **legend}


def provenance_of(store: Path, name: str) -> Mapping[str, Any] | None:
    """How the added array of that name was made; None where there is no such array."""
    try:
        about = json.loads((store / ADDED_LABELS / name / "zarr.json").read_text())
        return dict(about["attributes"].get(PROVENANCE, {}))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, AttributeError) as error:
        raise NoldoError(f"{store / ADDED_LABELS / name} cannot be read ({error}); delete it and go on") from error


def add_arrays(
    store: Path,
    arrays: Sequence[AddedArray],
    rows: Rows,
    provenance: Mapping[str, Any],
    about: Mapping[str, Any],
    *,
    replaces: Sequence[str] = (),
) -> dict[str, str]:
    """Write arrays of the store's shape, in place of any of the same names; return the digest of each by name.

    `rows` is called for whole shards, in order. `provenance` decides the values; `about` tells more, such as when they
    were made, and both go into the arrays' attributes. `replaces`: more arrays that go away with the first one, if they
    are there. Interrupted before its renames, nothing in the store has changed, and the same call with the same
    provenance goes on at the shard where it stopped; interrupted between two, finish_placing makes the others. Raises
    NoldoError where what was written reads back otherwise.
    """
    own = zarr.open_array(store / OWN_LABELS, mode="r")
    zarr.open_group(store, mode="r+").require_group(ADDED_LABELS)
    key = hashlib.sha256(json.dumps([provenance, [a.name for a in arrays]], sort_keys=True).encode()).hexdigest()[:16]
    finish_placing(store, arrays[0].name)
    aside = partial_folder(store, arrays[0].name, key)
    for stale in aside.parent.glob(partial_folder(store, arrays[0].name, "*").name):
        if stale != aside:
            shutil.rmtree(stale)
    made = {array.name: _opened(aside, array, own) for array in arrays}
    step = _shard_rows(own)
    written: dict[str, list[str]] = {array.name: [] for array in arrays}
    for start in range(0, own.shape[0], step):
        part = range(start, min(start + step, own.shape[0]))
        if not all(_has_shard(aside / name, start // step, own.ndim) for name in made):
            for name, values in rows(part).items():
                made[name][part.start : part.stop] = values
                _require_same(made[name], part, values)
        for name, array in made.items():
            written[name].append(hashlib.sha256(np.asarray(array[part.start : part.stop]).tobytes()).hexdigest())
    digests = {name: _digest(own.shape, step, shards) for name, shards in written.items()}
    state = content_digest_of(store)
    made_for = {} if state is None else {STORE_DIGEST: state}
    for array in arrays:
        of = digests[array.labels or array.name]
        made[array.name].attrs.update({LABELS_DIGEST: of, **made_for, PROVENANCE: dict(provenance), **about})
    put_in_place(aside, [array.name for array in arrays], replaces)
    return digests


def _opened(aside: Path, array: AddedArray, own: Any) -> Any:
    """The array as it was begun before, or a new one with the shards, chunks and checksums of the store's labels."""
    if (aside / array.name / "zarr.json").is_file():
        return zarr.open_array(aside / array.name, mode="r+", config=WRITE_ALL)
    return new_label_array(
        aside / array.name, own.shape, shard_rows=_shard_rows(own), fill=array.fill, attributes=array.attributes
    )


def _shard_rows(own: Any) -> int:
    return int(own.shards[0]) if own.shards else UNSHARDED_ROWS


def _has_shard(folder: Path, number: int, dimensions: int) -> bool:
    return (folder / "c" / str(number)).joinpath(*["0"] * (dimensions - 1)).is_file()


def _require_same(array: Any, part: range, values: NDArray[np.uint8]) -> None:
    if not np.array_equal(np.asarray(array[part.start : part.stop]), values):
        raise NoldoError(f"{array.store_path}: rows from {part.start} on are not what was written; see the disk")


def _digest(shape: tuple[int, ...], step: int, shards: Sequence[str]) -> str:
    """Over the shape and the decoded bytes of every shard, in order."""
    plain = json.dumps({"dtype": "uint8", "shape": list(shape), "rows": step, "sha256": list(shards)})
    return f"sha256:{hashlib.sha256(plain.encode()).hexdigest()}"
