"""A store as a map-style torch Dataset, for code of one's own; `noldo pretrain` reads by training/loader.py.

Tensors carry their dimensions: C classes or bands, H rows, W columns.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import tensorstore as ts
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset
from upath import UPath

from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.paths import AnyPath
from training.shard_files import DiskFiles
from training.shards import ShardedArray, open_sharded
from training.store_files import FAILURES, kvstore_spec, read_file, reason

WIDER: Final = {"uint16": np.int32}
"""Torch knows few operations on unsigned integers of 16 bits."""


class PatchDataset(Dataset[dict[str, Any]]):
    """Every season of every row of a store: item i is season i % 4 of row i // 4, or row i of a downstream store.

    An item has a tensor for each of the arrays as stored, (C, H, W) or (H, W): uint8 of a pretraining store, labels
    255 where there is none; int32 digital numbers and float32 dB of a downstream store. `row` and `season` are ints;
    the index's rows of that row and season say which scenes they are.

    Rows are in seeded, random order already. It may be pickled, and a process opens its files itself: workers that are
    spawned always work; forked ones only for arrays of uint8 on a disk, because tensorstore cannot be forked.
    """

    def __init__(self, store: str | AnyPath, arrays: Sequence[str] = ("s2", "s1", "dw")) -> None:
        """`store` is a folder such as runs/demo/store/nol.zarr, or s3://BUCKET/...; UsageError where it lacks one."""
        self.path: AnyPath = _path(store) if isinstance(store, str) else store
        self.arrays = tuple(arrays)
        if not self.arrays:
            raise UsageError("name one array or more, for example 's2' and 'dw'")
        stated = [_metadata(self.path, name) for name in self.arrays]
        self._seasonal = "season" in stated[0]["dimension_names"]
        self._rows, self._seasons = stated[0]["shape"][0], stated[0]["shape"][1] if self._seasonal else 1
        self._sources: dict[str, Any] = {name: _open(self.path, name) for name in self.arrays}
        self._process = os.getpid()

    def __len__(self) -> int:
        """Rows times seasons."""
        return int(self._rows * self._seasons)

    def __getitem__(self, item: int) -> dict[str, Any]:
        """Read an item; IndexError beyond the last, NoldoError where a chunk is damaged or cannot be had."""
        if not 0 <= item < len(self):
            raise IndexError(f"item {item} of {len(self)}")
        row, season = divmod(item, self._seasons)
        read: dict[str, Any] = {name: self._read(name, row, season) for name in self.arrays}
        return read | {"row": row, "season": season}

    def __getstate__(self) -> dict[str, Any]:
        """Without what is open: the other side opens its own."""
        return self.__dict__ | {"_sources": {}, "_process": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """As of a process of its own."""
        self.__dict__ = state | {"_process": os.getpid()}

    def _read(self, name: str, row: int, season: int) -> Tensor:
        source = self._sources.get(name)
        if os.getpid() != self._process and not _survives_fork(source):
            raise NoldoError(
                f"{self.path / name} cannot be read in a forked process; give the DataLoader "
                "multiprocessing_context='spawn'"
            )
        if source is None:
            source = self._sources[name] = _open(self.path, name)
        if isinstance(source, ShardedArray):
            return torch.from_numpy(self._decoded(source, row, season))
        with _named(self.path, name, row):
            values = (source[row, season] if self._seasonal else source[row]).read().result()
        return torch.from_numpy(values.astype(WIDER.get(values.dtype.name, values.dtype), copy=False))

    def _decoded(self, source: ShardedArray, row: int, season: int) -> NDArray[np.uint8]:
        """A chunk holds one season or, of label maps, all."""
        alone = source.chunks_a_row > 1
        target: NDArray[np.uint8] = np.empty(source.chunk_shape[1:], np.uint8)
        source.read_into(row, season if alone else 0, target)
        if not self._seasonal:
            return target
        of_season: NDArray[np.uint8] = target[0] if alone else target[season]
        return of_season


def _open(store: AnyPath, name: str) -> Any:
    with _named(store, name, 0):
        spec = {"driver": "zarr3", "kvstore": kvstore_spec(store / name), "fill_missing_data_reads": False}
        return open_sharded(store / name) or ts.open(spec, open=True, read=True).result()


def _survives_fork(source: Any) -> bool:
    return isinstance(source, ShardedArray) and isinstance(source.files, DiskFiles)


@contextmanager
def _named(store: AnyPath, name: str, row: int) -> Iterator[None]:
    """Say of what fails within where it was read."""
    try:
        yield
    except FAILURES as error:
        raise NoldoError(
            f"{store}: array '{name}' cannot be read at row {row} ({reason(error)}); restore it"
        ) from error


def _metadata(store: AnyPath, name: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(read_file(store / name, "zarr.json") or b"")
        return {"shape": found["shape"], "dimension_names": found["dimension_names"]}
    except (ValueError, KeyError):
        raise UsageError(f"{store} has no array '{name}' that can be read; name a store, and an array of it") from None


def _path(named: str) -> AnyPath:
    return UPath(named) if "://" in named else Path(named)
