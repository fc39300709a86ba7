"""SHA-256 of messages that come in parts, two at a time where the processor gains from it."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.manifest.verify.two_lanes import BLOCK_BYTES, INITIAL_STATE, compiled, last_blocks, state_bytes

Bytes = NDArray[np.uint8]
"""Contiguous, of one axis."""


class Message:
    """One message on its way to its digest."""

    def __init__(self) -> None:
        self.size = 0
        self.tail = b""
        self.state = INITIAL_STATE.copy()
        self.plain: Any = None if compiled() else hashlib.sha256()

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
    hash_jobs = compiled()
    assert hash_jobs is not None, "messages know no other way"
    states = np.empty((len(messages), len(INITIAL_STATE)), np.uint32)
    addresses, blocks = np.empty((2, len(messages)), np.int64)
    for at, (message, part) in enumerate(zip(messages, parts, strict=True)):
        states[at] = message.state
        addresses[at] = part.__array_interface__["data"][0]
        blocks[at] = len(part) // BLOCK_BYTES
    hash_jobs(states, addresses, blocks)
    for at, message in enumerate(messages):
        message.state = states[at]
