"""SHA-256 of messages that come in parts, two at a time where the processor gains from it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.manifest.verify.two_lanes import BLOCK_BYTES, INITIAL_STATE, lanes, last_blocks, state_bytes

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

    A part that is no multiple of 64 bytes must be its message's last (ValueError at the next one). Parts that come
    first are hashed first: give the longest first, so that no lane is left alone.
    """
    blocks = []
    for message, part in parts:
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


def _take(messages: Sequence[Message], parts: Sequence[Bytes]) -> None:
    compiled = lanes()
    assert compiled is not None, "messages know no other way"
    jobs = [
        _Job(_address(message.state), _address(part), len(part) // BLOCK_BYTES)
        for message, part in zip(messages, parts, strict=True)
    ]
    first = jobs[0]
    for second in jobs[1:]:
        now = min(first.blocks, second.blocks)
        if now:
            compiled.two(first.state, second.state, first.data, second.data, now)
            first.advance(now)
            second.advance(now)
        first = first if first.blocks else second
    if first.blocks:
        compiled.one(first.state, first.data, first.blocks)


@dataclass
class _Job:
    """Blocks that one message is to be taken on over."""

    state: int
    data: int
    blocks: int

    def advance(self, blocks: int) -> None:
        """Leave out blocks that are done."""
        self.data += BLOCK_BYTES * blocks
        self.blocks -= blocks


def _address(array: NDArray[Any]) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
