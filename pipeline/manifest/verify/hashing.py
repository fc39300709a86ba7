"""SHA-256 of messages that come in parts, some at a time where the processor gains from it."""

import hashlib
from collections.abc import Mapping, Sequence
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
        _take({self: [last]})
        return state_bytes(self.state)


def take(parts: Sequence[tuple[Message, Bytes]]) -> None:
    """Take every message on over its parts, side by side; without Python's lock.

    A part that is no multiple of 64 bytes must be its message's last (ValueError at the next one).
    """
    runs: dict[Message, list[Bytes]] = {}
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
            runs.setdefault(message, []).append(part[:whole])
    if runs:
        _take(runs)


@dataclass
class _Run:
    """Blocks that one message is to be taken on over."""

    state: int
    """Address."""
    parts: list[tuple[int, int]]
    """(address, blocks > 0) of those that are left, the next one last."""
    blocks: int
    """Of all parts."""


def _take(runs: Mapping[Message, Sequence[Bytes]]) -> None:
    """Take messages on over whole blocks; `runs` keeps alive what is known by its address here."""
    compiled = lanes()
    assert compiled is not None, "messages know no other way"
    waiting = []
    for message, parts in runs.items():
        found = [(_address(part), len(part) // BLOCK_BYTES) for part in reversed(parts)]
        waiting.append(_Run(_address(message.state), found, sum(blocks for _, blocks in found)))
    waiting.sort(key=lambda run: run.blocks)
    # No more lanes than the longest message can keep company: alone, it would take longer than beside one other.
    at_once = min(LANES, round(sum(run.blocks for run in waiting) / waiting[-1].blocks))
    under_way: list[_Run] = []
    while waiting or under_way:
        while waiting and len(under_way) < at_once:
            under_way.append(waiting.pop())
        nearest = [run.parts.pop() for run in under_way]
        now = min(blocks for _, blocks in nearest)
        hash_blocks = compiled.by_count[len(under_way) - 1]
        hash_blocks(*(run.state for run in under_way), *(address for address, _ in nearest), now)
        for run, (address, blocks) in zip(under_way, nearest, strict=True):
            if blocks > now:
                run.parts.append((address + BLOCK_BYTES * now, blocks - now))
        under_way = [run for run in under_way if run.parts]


def _address(array: NDArray[Any]) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
