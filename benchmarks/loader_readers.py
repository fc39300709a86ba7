"""The readers that `noldo bench loader` compares: each reads the same locations into batches of the same make.

A reader is opened once and called once a round; a call reads every location once, shuffled where that costs no more,
collates batches of BATCH in memory, and returns how many locations it read. B samples, P pixels a side.
"""

import functools
import importlib.util
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numcodecs import blosc
from numpy.typing import NDArray

from benchmarks.loader_store import MDS, SEASON_TARS, STORE, TARS, seasons_of
from pipeline.schema.records import N_SEASONS
from training.dataset import TrainingStore, open_store
from training.epoch_plan import BatchPlan, in_batches
from training.loader import read_batches
from training.shards import ShardedArray

BATCH: Final = 128
"""Locations a batch: the paper's, and the default of a recipe."""

Arrays = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]
"""s1 (..., 2, P, P), s2 (..., 13, P, P), labels (..., 4, P, P)."""

Reader = Callable[[], int]

ORDER_SEED: Final = 3


def time_reader(name: str, folder: Path) -> tuple[float, float, int]:
    """Let a reader read everything: wall-clock and CPU seconds of the process, and locations read.

    It reads twice, and the second time counts: what lay idle for some seconds may have left the page cache.
    """
    torch.set_num_threads(len(os.sched_getaffinity(0)))  # more than cores would wait for each other in a busy loop
    reader = opened(name, folder)
    reader()
    wall, cpu = time.perf_counter(), time.process_time()
    count = reader()
    return time.perf_counter() - wall, time.process_time() - cpu, count


@functools.cache
def opened(name: str, folder: Path) -> Reader:
    """Open a reader by its name in READERS; kept for the next round."""
    return READERS[name](folder)


def plans(store: TrainingStore) -> list[BatchPlan]:
    """Every location once, shuffled, the season that all readers take."""
    order = np.random.default_rng(ORDER_SEED).permutation(store.locations)
    return in_batches(order, seasons_of(store.locations)[order], BATCH)


def ours(readers: int, folder: Path) -> Reader:
    """The loader that training uses."""
    store = open_store(folder / STORE)
    planned = plans(store)
    return lambda: sum(len(batch.rows) for batch in read_batches(store, planned, pin=False, readers=readers))


def tensorstore_vindex(folder: Path) -> Reader:
    """One batched read an array and batch."""
    store = open_store(folder / STORE)
    planned = plans(store)

    def read() -> int:
        for plan in planned:
            asked = [array.vindex[plan.rows, plan.seasons].read() for array in (store.s1, store.s2)]
            asked.append(store.dw.vindex[plan.rows].read())
            for future in asked:
                future.result()
        return store.locations

    return read


def zarr_python(folder: Path) -> Reader:
    """One read an array and location."""
    import zarr

    store = open_store(folder / STORE)
    planned = plans(store)
    arrays: dict[str, Any] = dict(zarr.open_group(folder / STORE, mode="r").arrays())

    def read() -> int:
        for plan in planned:
            s1, s2, labels = _room(store, len(plan.rows))
            for at, (row, season) in enumerate(zip(plan.rows.tolist(), plan.seasons.tolist(), strict=True)):
                s1[at], s2[at], labels[at] = arrays["s1"][row, season], arrays["s2"][row, season], arrays["dw"][row]
        return store.locations

    return read


def web_dataset(folder: Path) -> Reader:
    """Tar files of whole locations, of which one season is taken.

    A tar is read from front to back, so only so does each location come up once an epoch, in a season drawn anew.
    """
    return _tar_reader(folder / TARS, one_season=False)


def web_dataset_seasons(folder: Path) -> Reader:
    """Tar files of seasons: fewer bytes, but not an epoch as training asks for it."""
    return _tar_reader(folder / SEASON_TARS, one_season=True)


def _tar_reader(tars: Path, *, one_season: bool) -> Reader:
    import webdataset

    draw = np.random.default_rng(ORDER_SEED)

    def taken(sample: Arrays) -> Arrays:
        season = draw.integers(N_SEASONS)
        return sample[0][season], sample[1][season], sample[2]

    data = webdataset.WebDataset(sorted(str(path) for path in tars.glob("*.tar")), shardshuffle=False)
    arrays = data.decode().to_tuple("s1.npy", "s2.npy", "dw.npy")
    batched = (arrays if one_season else arrays.map(taken)).batched(BATCH)
    return lambda: sum(len(s1) for s1, _, _ in batched)


def mosaic_streaming(folder: Path) -> Reader:
    """Uncompressed MDS of seasons, through PyTorch's DataLoader as its guide has it ("Main concepts")."""
    from streaming import StreamingDataset
    from torch.utils.data import DataLoader

    data = StreamingDataset(local=str(folder / MDS), batch_size=BATCH, shuffle=True, shuffle_seed=ORDER_SEED)
    return lambda: sum(len(batch["s1"]) for batch in DataLoader(data, batch_size=BATCH))


def mosaic_by_number(folder: Path) -> Reader:
    """The same samples asked for by number and collated with NumPy: without what its iterator and collation cost."""
    from streaming import StreamingDataset

    data = StreamingDataset(local=str(folder / MDS), batch_size=BATCH)
    order = np.random.default_rng(ORDER_SEED).permutation(len(data))

    def read() -> int:
        for start in range(0, len(order), BATCH):
            drawn = [data[int(row)] for row in order[start : start + BATCH]]
            for name in ("s1", "s2", "dw"):
                np.stack([sample[name] for sample in drawn])
        return len(order)

    return read


def bare_decode(folder: Path) -> Reader:
    """The same chunks decoded by blosc out of memory into memory: no file, no checksum, no allocation."""
    store = open_store(folder / STORE)
    chunks = list(_chunks(store))
    room = _room(store, BATCH)

    def read() -> int:
        for at, sample in enumerate(chunks):
            for chunk, target in zip(sample, room, strict=True):
                blosc.decompress(chunk, target[at % BATCH])
        return len(chunks)

    return read


def bare_copy(folder: Path) -> Reader:
    """The same bytes, decoded before, copied from memory to memory."""
    store = open_store(folder / STORE)
    source = [batch.arrays for batch in read_batches(store, plans(store), pin=False)]
    room = dict(zip(("s1", "s2", "labels"), _room(store, BATCH), strict=True))

    def read() -> int:
        for batch in source:
            for name, values in batch.items():
                np.copyto(room[name][: len(values)], values.numpy())
        return store.locations

    return read


READERS: Final[dict[str, Callable[[Path], Reader]]] = {
    "ours, 1 thread": functools.partial(ours, 1),
    "ours, 2 threads": functools.partial(ours, 2),
    "tensorstore vindex": tensorstore_vindex,
    "zarr-python": zarr_python,
    "WebDataset": web_dataset,
    "WebDataset, seasons": web_dataset_seasons,
    "MosaicML streaming": mosaic_streaming,
    "MosaicML streaming, by number": mosaic_by_number,
    "bare decode": bare_decode,
    "memcpy": bare_copy,
}

PEERS: Final = {"WebDataset": "webdataset", "MosaicML streaming": "streaming"}
"""Libraries of the extra `bench`, which names of readers begin with, and their import names."""


def missing_peers() -> list[str]:
    """The libraries that are not installed."""
    return [name for name, package in PEERS.items() if importlib.util.find_spec(package) is None]


def _room(store: TrainingStore, count: int) -> Arrays:
    px = store.patch_px
    s1, s2, labels = (np.empty((count, bands, px, px), np.uint8) for bands in (2, 13, 4))
    return s1, s2, labels


def _chunks(store: TrainingStore) -> Iterator[list[bytes]]:
    """The stored chunks of every sample, in the order that they are read in."""
    assert store.shards is not None
    for plan in plans(store):
        for row, season in zip(plan.rows.tolist(), plan.seasons.tolist(), strict=True):
            wanted: list[tuple[ShardedArray, int]] = [
                (store.shards["s1"], season),
                (store.shards["s2"], season),
                (store.shards["labels"], 0),
            ]
            yield [array.ask(row, chunk)().tobytes() for array, chunk in wanted]
