"""Trouble on purpose: which compute requests fail, and how, from a seeded stream."""

import random
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pipeline.emulator.rates import parse_rates
from pipeline.schema.errors import UsageError


class FaultKind(StrEnum):
    """What happens to one request."""

    QUOTA = "429"
    """Answered 429 RESOURCE_EXHAUSTED."""
    RATE = "403"
    """Answered 403 with the reason rateLimitExceeded, as Google's older interfaces tell of a spent quota."""
    INTERNAL = "500"
    """Answered 500 INTERNAL."""
    UNAVAILABLE = "503"
    """Answered 503 UNAVAILABLE."""
    RESET = "reset"
    """The connection is reset before a byte of the answer."""
    TRUNCATE = "truncate"
    """The body is cut; half the time Content-Length agrees with what is left."""
    SLOW = "slow"
    """Answered properly after a pause."""
    BADPIXELS = "badpixels"
    """Pixels that are a whole NPY array of the right length but of other types; other answers stay whole."""
    MEMORY = "memory"
    """Answered 400 'User memory limit exceeded.', which asks for a smaller request."""
    REVOKED = "401"
    """Answered 401 UNAUTHENTICATED, as where credentials were revoked."""


TRANSIENT_KINDS: Final = (
    FaultKind.QUOTA, FaultKind.RATE, FaultKind.INTERNAL, FaultKind.UNAVAILABLE, FaultKind.RESET, FaultKind.TRUNCATE,
    FaultKind.SLOW, FaultKind.BADPIXELS,
)  # fmt: skip
"""Those that a client gets over by asking again: they change no result."""

SPLITTING_KINDS: Final = (FaultKind.MEMORY,)
"""Those that a client gets over by asking for less at a time; what cannot be split any further fails."""

ENDING_KINDS: Final = (FaultKind.REVOKED,)
"""Those that end a run: only a person can help."""


@dataclass(frozen=True)
class Faults:
    """How often each fault strikes; a request suffers at most one."""

    rates: tuple[tuple[FaultKind, float], ...] = ()
    """(kind, share of compute requests 0..1); the shares add up to at most 1."""
    slow_s: float = 2.0
    """Pause of a slow answer, seconds."""


@dataclass(frozen=True)
class Fault:
    """The fault drawn for one request."""

    kind: FaultKind
    consistent: bool
    """For a truncated body: whether Content-Length agrees with it, so that nobody notices."""


def parse_faults(spec: str, slow_s: float = 2.0) -> Faults:
    """Read '429:0.05,503:0.02'; an empty spec means no faults. UsageError says what is accepted."""
    rates = parse_rates(spec, FaultKind, "fault", "429:0.05,reset:0.02")
    if sum(rates.values()) > 1.0 + 1e-9:
        raise UsageError(f"the fault rates of '{spec}' add up to more than 1; lower them")
    return Faults(tuple(rates.items()), slow_s)


class FaultStream:
    """Draws the fault of each request in order of arrival; the same seed gives the same sequence."""

    def __init__(self, faults: Faults, seed: int) -> None:
        self._faults = faults
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def draw(self) -> Fault | None:
        """The fault of the next request, or None for an undisturbed one."""
        with self._lock:
            position, consistent = self._random.random(), self._random.random() < 0.5
        for kind, share in self._faults.rates:
            if position < share:
                return Fault(kind, consistent)
            position -= share
        return None
