"""The training store as it is read: arrays whose rows are locations, and how the rows are split."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tensorstore as ts
from numpy.typing import NDArray

from pipeline.schema.bands import S1_BANDS, S2_BANDS, Scaling
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.landcover import N_DW_CLASSES
from pipeline.schema.layout import ADDED_LABELS
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import N_SEASONS
from training.host_memory import HostMemory
from training.label_source import OWN_LABELS, LabelSource, open_label_source
from training.shards import ShardedArray, open_sharded
from training.store_files import kvstore_spec, read_file, reason

SPLIT_STREAM = 0
"""Tells the split's random numbers from others drawn of the same seed."""

DIGEST_ATTRIBUTE = "content_digest"
"""Group attribute that carries the digest of a finished store's content."""

LABELS = "labels"
"""What stands for the array of the label source, whatever that is called, among the arrays that batches are read of."""

CONFIDENCE = "confidence"
"""The same for the confidences that the labels came with."""

ALL_SEASONS = (LABELS, CONFIDENCE)
"""What is read of all four seasons at once, which are one chunk."""

PROBABILITIES = "dw_prob"
"""The array that a store has where its recipe asked for it."""


@dataclass(frozen=True)
class TrainingStore:
    """An open training store; its arrays are read without any cache."""

    path: AnyPath
    s1: Any
    """tensorstore of uint8 (N, 4, 2, P, P)."""
    s2: Any
    """tensorstore of uint8 (N, 4, 13, P, P)."""
    dw: Any
    """tensorstore of uint8 (N, 4, P, P): class 0..8, or 255 where there is no label."""
    labels: LabelSource
    """What is learnt from: dw, or other labels of the same shape."""
    dw_prob: Any | None
    """tensorstore of uint8 (N, 4, 9, P, P): 255 times the probability of each class, all 0 where there is no label;
    None where the store has none."""
    shards: Mapping[str, ShardedArray] | None
    """What batches are read of as its shards lie on a disk or in a bucket, by name: s1, s2, LABELS, and CONFIDENCE
    and dw_prob where there are such. None where only tensorstore can read one of them."""
    scaling: dict[str, Scaling] | None
    """How s1 and s2 were scaled to uint8, as their attributes state it; None where they state nothing."""
    digest: str
    """Digest of the content where the store carries one, else of its files' names, sizes and times."""
    memory: HostMemory = field(default_factory=HostMemory, repr=False, compare=False)
    """What batches are read into."""

    @property
    def locations(self) -> int:
        """Number of rows, N."""
        return int(self.dw.shape[0])

    @property
    def patch_px(self) -> int:
        """Side of a patch, P, pixels."""
        return int(self.dw.shape[-1])


@dataclass(frozen=True)
class Split:
    """Rows of the store, each in exactly one of the two; all four seasons of a location go together."""

    train: NDArray[np.int64]
    held_out: NDArray[np.int64]


def open_store(path: AnyPath, label_source: str = OWN_LABELS) -> TrainingStore:
    """Open a training store, on a disk or in object storage, with the labels to be learnt (see open_label_source).

    Raises UsageError where `path` is none, or its arrays are not of the layout, NoldoError where it is damaged or
    cannot be reached.
    """
    attributes = _group_attributes(path)
    probabilities = (PROBABILITIES,) if read_file(path / PROBABILITIES, "zarr.json") is not None else ()
    arrays = {name: _open_array(path, name, whole=True) for name in ("s1", "s2", "dw", *probabilities)}
    n, px = arrays["dw"].shape[0], arrays["dw"].shape[-1]
    expected = {
        "s1": (n, N_SEASONS, len(S1_BANDS), px, px),
        "s2": (n, N_SEASONS, len(S2_BANDS), px, px),
        "dw": (n, N_SEASONS, px, px),
        PROBABILITIES: (n, N_SEASONS, N_DW_CLASSES, px, px),
    }
    for name, array in arrays.items():
        if tuple(array.shape) != expected[name] or array.dtype != ts.uint8:
            raise UsageError(
                f"{path}: array '{name}' is {array.dtype.name} {tuple(array.shape)}, "
                f"expected uint8 {expected[name]}; build the store again with noldo build"
            )
    digest = attributes.get(DIGEST_ATTRIBUTE)
    stated = {name: _group_attributes(path / name) for name in ("s1", "s2")}
    labels = open_label_source(path, label_source, tuple(arrays["dw"].shape))
    read = {name: path / name for name in arrays if name != "dw"} | {LABELS: labels.folder}
    read |= {} if labels.confidence is None else {CONFIDENCE: labels.confidence_folder}
    sharded = {name: open_sharded(folder) for name, folder in read.items()}
    ours = {name: array for name, array in sharded.items() if array is not None and _as_read(name, array)}
    return TrainingStore(
        path=path,
        labels=labels,
        dw_prob=arrays.pop(PROBABILITIES, None),
        shards=ours if len(ours) == len(sharded) else None,
        scaling=_scalings(path, stated) if all("scaling" in attributes for attributes in stated.values()) else None,
        digest=digest if isinstance(digest, str) else _files_digest(path),
        **arrays,
    )


def _scalings(path: AnyPath, stated: dict[str, dict[str, Any]]) -> dict[str, Scaling]:
    try:
        return {name: Scaling.from_attributes(attributes) for name, attributes in stated.items()}
    except (TypeError, ValueError) as error:
        raise UsageError(f"{path} states a scaling that cannot be ({error}); build the store again") from error


def open_truth(path: AnyPath, store: TrainingStore) -> Any:
    """Open the true land cover of the store's rows, uint8 (N, 4, P, P); UsageError where it does not fit."""
    truth = _open_array(path, "truth", whole=False)
    if tuple(truth.shape) != tuple(store.dw.shape) or truth.dtype != ts.uint8:
        raise UsageError(
            f"{path}: array 'truth' is {truth.dtype.name} {tuple(truth.shape)}, but {store.path} has labels of "
            f"{tuple(store.dw.shape)}; give the reference that was made with this store"
        )
    made_with, content = (_group_attributes(p).get(DIGEST_ATTRIBUTE) for p in (path, store.path))
    if made_with is not None and content is not None and made_with != content:
        raise UsageError(
            f"{path} was made with another state of {store.path}; delete {path} and run noldo build to make it again"
        )
    return truth


def split_locations(
    locations: int, held_out_fraction: float, seed: int, groups: NDArray[np.int64] | None = None
) -> Split:
    """Hold out a random share of the rows 0..locations-1, at least one; both parts in ascending order.

    `groups`: the group of each row, int64 (locations,); a group falls to one side whole, so the share held out may
    be a little smaller, or one group where none fits. None: every row is its own group, as where all groups are of one.
    Raises UsageError where nothing would be left to train on.
    """
    count = max(1, round(held_out_fraction * locations))
    order = np.random.default_rng([seed, SPLIT_STREAM]).permutation(locations)
    held_out = order[:count] if groups is None else _whole_groups(groups, order, count)
    if locations - len(held_out) < 1:
        together = " (their patches overlap, so they go together)" if count < locations else ""
        raise UsageError(
            f"holding out {len(held_out)} of {locations} locations{together} leaves none to train on; "
            "lower val_fraction or build more"
        )
    return Split(train=np.setdiff1d(order, held_out), held_out=np.sort(held_out))


def _whole_groups(groups: NDArray[np.int64], order: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The rows of the groups that come up first in `order` and fit into `count` together; the smallest if none fits."""
    numbers, first, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    ranked = np.argsort(first)
    taken, held = [], 0
    for group, size in zip(numbers[ranked].tolist(), sizes[ranked].tolist(), strict=True):
        if held + size <= count:
            taken.append(group)
            held += size
    if not taken:
        taken = [numbers[ranked][sizes[ranked].argmin()]]
    return order[np.isin(groups[order], taken)]


def _as_read(name: str, array: ShardedArray) -> bool:
    """Whether a chunk is what a training step reads: a season of the images, or all four label maps."""
    seasons = N_SEASONS if name in ALL_SEASONS else 1
    return array.chunk_shape == (1, seasons, *array.shape[2:])


def _group_attributes(path: AnyPath) -> dict[str, Any]:
    try:
        metadata = json.loads(read_file(path, "zarr.json") or b"")
    except ValueError:
        raise UsageError(f"{path} is not a training store: it has no readable zarr.json; correct the path") from None
    attributes = metadata.get("attributes", {})
    return attributes if isinstance(attributes, dict) else {}


def _open_array(path: AnyPath, name: str, *, whole: bool) -> Any:
    """`whole`: a chunk that is not there is damage, not the fill value."""
    spec = {"driver": "zarr3", "kvstore": kvstore_spec(path / name), "fill_missing_data_reads": not whole}
    try:
        return ts.open(spec, open=True, read=True).result()
    except ValueError as error:
        if "NOT_FOUND" in str(error):
            raise UsageError(f"{path} has no array '{name}'; give the store of a pretraining set") from None
        raise NoldoError(f"{path}: array '{name}' cannot be opened ({reason(error)}); restore it") from error


def _files_digest(path: AnyPath) -> str:
    """What stands for the content of a store that carries no digest; in a bucket such a store is unfinished."""
    if not isinstance(path, Path):
        raise UsageError(f"{path} is not finished: it carries no digest of its content; finish it with noldo build")
    digest = hashlib.sha256()
    own = (p for p in path.rglob("*") if p.relative_to(path).parts[0] != ADDED_LABELS)
    for file in sorted(p for p in own if p.is_file()):
        status = file.stat()
        digest.update(f"{file.relative_to(path)} {status.st_size} {status.st_mtime_ns}\n".encode())
    return f"files-sha256:{digest.hexdigest()}"
