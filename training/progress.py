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
    """Of the last step."""
    val_loss: float | None
    """Of the last epoch that ended; None in the first."""
    locations_per_s: float
    """Training locations a second in this epoch, reading included."""
    data_wait_share: float
    """Share of this epoch's time that was spent waiting for data, 0..1."""
    eta_s: float
    """Seconds until the last epoch ends, at this epoch's pace."""


class EpochClock:
    """Times one epoch from its first request for data on."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._waited = 0.0
        self._locations = 0

    def waits(self, items: Iterable[Item]) -> Iterator[Item]:
        """Pass the items on, counting the time that each lets one wait."""
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

    def trained(self, locations: int) -> None:
        """Count locations as done."""
        self._locations += locations

    @property
    def seconds(self) -> float:
        """Time since the epoch began."""
        return time.perf_counter() - self._begun

    @property
    def locations_per_s(self) -> float:
        """Locations done, over the time since the epoch began."""
        return self._locations / self.seconds

    @property
    def wait_share(self) -> float:
        """Share of the time that was spent waiting for data, 0..1."""
        return self._waited / self.seconds
