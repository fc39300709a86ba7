"""A seeded share of a data set's files, the same for all arrays that are cut alike."""

import math
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sample:
    """Which part of the pixels is read."""

    share: float
    """0..1, of the shards of every store; at least one of each."""
    seed: int

    def chosen(self, store: str, count: int) -> Collection[int]:
        """Numbers below `count`; the same for the same store and count, so that whole locations are read."""
        if self.share >= 1:
            return range(count)
        order = np.random.default_rng([self.seed, zlib.crc32(store.encode()), count]).permutation(count)
        return frozenset(order[: math.ceil(self.share * count)].tolist())

    def of(self, store: str, files: Sequence[str]) -> list[str]:
        """The share of a store's files."""
        numbers = self.chosen(store, len(files))
        return [file for number, file in enumerate(files) if number in numbers]
