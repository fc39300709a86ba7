"""How fast an epoch goes, and how long it waits for data."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class PretrainProgress:
    """Where a run stands after a step."""

    epoch: int
    """The epoch under way, from 1."""
    epochs: int
    step: int
    """Steps done in this epoch."""
    steps: int
    """Steps in an epoch."""
    train_loss: float
    """Mean over the steps since the last time that this was told."""
    val_loss: float | None
    """Of the last epoch that ended; None in the first."""
    locations_per_s: float
    """Training locations a second in this epoch, of all processes, reading included."""
    data_wait_share: float
    """Share of this epoch's time that rank 0 spent waiting for data, 0..1."""
    eta_s: float
    """Seconds until the last epoch ends, at this epoch's pace."""


class EpochClock:
    """Times one epoch from its first request for data on.

    `seconds`, `waited`: what an epoch that goes on has behind it.
    """

    def __init__(self, seconds: float = 0.0, waited: float = 0.0) -> None:
        self._seconds = seconds
        self._waited = waited
        self._begun: float | None = None

    def waits(self, items: Iterable[Item]) -> Iterator[Item]:
        """Pass the items on, counting the time that each lets one wait."""
        self._begun = time.perf_counter()
        iterator = iter(items)
        while True:
            asked = time.perf_counter()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self._waited += time.perf_counter() - asked
            yield item

    @property
    def seconds(self) -> float:
        """Time since the epoch began, interruptions left out."""
        return self._seconds + (0.0 if self._begun is None else time.perf_counter() - self._begun)

    @property
    def waited(self) -> float:
        """Seconds of it that were spent waiting for data."""
        return self._waited

    @property
    def wait_share(self) -> float:
        """Share of the time that was spent waiting for data, 0..1."""
        return self._waited / self.seconds
