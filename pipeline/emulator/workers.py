"""Who computes the answers: this process, or a few others for more cores."""

import functools
import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait
from typing import Final, Protocol

from pipeline.emulator.limits import MemoryLimit
from pipeline.emulator.replies import Reply
from pipeline.emulator.scene import World
from pipeline.emulator.service import COMPUTE_PIXELS, answer

PIXELS_AT_ONCE: Final = 2
"""Pixel requests that one process computes at the same time; more would only fill the memory."""


class Answerer(Protocol):
    """Answers compute requests, from many threads."""

    def __call__(self, endpoint: str, body: bytes) -> Reply:
        """The answer to one request."""
        ...

    def close(self) -> None:
        """Release what is held."""
        ...


class Here:
    """Computes in this process."""

    def __init__(self, world: World, memory: MemoryLimit | None = None) -> None:
        self._world = world
        self._memory = memory
        self._room = threading.Semaphore(PIXELS_AT_ONCE)

    def __call__(self, endpoint: str, body: bytes) -> Reply:
        """The answer; pixel requests wait their turn."""
        if endpoint != COMPUTE_PIXELS:
            return answer(endpoint, body, self._world, self._memory)
        with self._room:
            return answer(endpoint, body, self._world, self._memory)

    def close(self) -> None:
        """Nothing is held."""


class Pool:
    """Computes in processes of its own, each with a world made by `factory`, which must be picklable."""

    def __init__(self, factory: Callable[[], World], workers: int, memory: MemoryLimit | None = None) -> None:
        self._memory = memory
        self._executor = ProcessPoolExecutor(
            workers, mp_context=multiprocessing.get_context("spawn"), initializer=_start, initargs=(factory,)
        )

    def __call__(self, endpoint: str, body: bytes) -> Reply:
        """The answer of whichever process is free first."""
        return self._executor.submit(_answer_in_worker, endpoint, body, self._memory).result()

    def close(self) -> None:
        """End the processes."""
        self._executor.shutdown(wait=True, cancel_futures=True)


@functools.cache
def _worlds() -> list[World]:
    """The worker's own world, once `_start` has put it there."""
    return []


def _start(factory: Callable[[], World]) -> None:
    _worlds().append(factory())
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Exit when the server's process is gone, however it went."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _answer_in_worker(endpoint: str, body: bytes, memory: MemoryLimit | None) -> Reply:
    return answer(endpoint, body, _worlds()[0], memory)
