"""SHA-256 of messages that come in parts, some at a time where the processor gains from it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.manifest.verify.sha256_lanes import BLOCK_BYTES, INITIAL_STATE, LANES, lanes, last_blocks, state_bytes

Bytes = NDArray[np.uint8]
"""Contiguous, of one axis."""


class Message:
    """One message on its way to its digest."""

    def __init__(self) -> None:
        self.size = 0
        self.tail = b""
        self.state = INITIAL_STATE.copy()
        self.plain: Any = None if lanes() else hashlib.sha256()

    def digest(self) -> bytes:
        """The 32 bytes of SHA-256 over everything that was taken; nothing can be taken afterwards."""
        if self.plain is not None:
            return bytes(self.plain.digest())
        last = last_blocks(self.tail, self.size)
        _take([self], [last])
        return state_bytes(self.state)


def take(parts: Sequence[tuple[Message, Bytes]]) -> None:
    """Take every message on over its part, side by side; without Python's lock.

    A part that is no multiple of 64 bytes must be its message's last (ValueError at the next one). Of several parts of
    one message the later ones wait.
    """
    blocks, later = [], []
    taken: set[int] = set()
    for message, part in parts:
        if id(message) in taken:
            later.append((message, part))
            continue
        taken.add(id(message))
        if message.plain is not None:
            message.plain.update(part.data)
            continue
        if message.tail:
            raise ValueError("a part that is no multiple of 64 bytes can only be the last")
        whole = len(part) // BLOCK_BYTES * BLOCK_BYTES
        message.size += len(part)
        message.tail = part[whole:].tobytes()
        if whole:
            blocks.append((message, part[:whole]))
    if blocks:
        _take([message for message, _ in blocks], [part for _, part in blocks])
    if later:
        take(later)


def _take(messages: Sequence[Message], parts: Sequence[Bytes]) -> None:
    compiled = lanes()
    assert compiled is not None, "messages know no other way"
    waiting = [
        _Job(_address(message.state), _address(part), len(part) // BLOCK_BYTES)
        for message, part in zip(messages, parts, strict=True)
    ]
    waiting.sort(key=lambda job: job.blocks)
    # No more lanes than the longest message can keep company: alone, it would take longer than beside one other.
    at_once = min(LANES, round(sum(job.blocks for job in waiting) / waiting[-1].blocks))
    under_way: list[_Job] = []
    while waiting or under_way:
        while waiting and len(under_way) < at_once:
            under_way.append(waiting.pop())
        now = min(job.blocks for job in under_way)
        hash_blocks = compiled.by_count[len(under_way) - 1]
        hash_blocks(*(job.state for job in under_way), *(job.data for job in under_way), now)
        for job in under_way:
            job.data += BLOCK_BYTES * now
            job.blocks -= now
        under_way = [job for job in under_way if job.blocks]


@dataclass
class _Job:
    """Blocks that one message is to be taken on over."""

    state: int
    data: int
    blocks: int


def _address(array: NDArray[Any]) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
