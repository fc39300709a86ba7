"""Canned pixels, for benchmarks of clients: answers of the right form that are not of the asked place.

Two requests for pixels that differ only in the scenes that they name and in where their grid lies have answers of the
same bands, types and dimensions. Of each such family the first request is checked and computed in full; the others
get its body as it is, after the server's latency, at the cost of a look-up. Whoever builds with it gets a data set in
which every location of a part shows the same ground: the server says so at /diagnostics/planet.
"""

import re
import threading
from collections import OrderedDict
from http import HTTPStatus
from typing import Final

from pipeline.emulator.replies import Reply
from pipeline.emulator.service import COMPUTE_PIXELS
from pipeline.emulator.workers import Answerer

KEPT: Final = 12
"""Bodies kept at a time, of up to 48 MB each; the one not used for longest goes."""

_VARYING: Final = re.compile(
    rb'"(?:COPERNICUS/S2_HARMONIZED|COPERNICUS/S1_GRD|GOOGLE/DYNAMICWORLD/V1)/[^"]*"'
    rb'|"(?:crsCode|translateX|translateY|workloadTag)"\s*:\s*(?:"[^"]*"|[-+.0-9eE]+)'
)
"""What may differ within a family: asset ids, and where the grid lies."""


class Canned:
    """Answers a family's pixels from the first of them; everything else as `answerer` does."""

    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer
        self._lock = threading.Lock()
        self._bodies: OrderedDict[bytes, Reply] = OrderedDict()
        self._making: dict[bytes, threading.Lock] = {}

    def __call__(self, endpoint: str, body: bytes) -> Reply:
        """The answer; the first request of a family makes the others wait for it."""
        if endpoint != COMPUTE_PIXELS:
            return self._answerer(endpoint, body)
        family = _VARYING.sub(_sort_of, body)
        known = self._known(family)
        if known is not None:
            return known
        with self._lock:
            making = self._making.setdefault(family, threading.Lock())
        with making:
            known = self._known(family)
            return self._made(family, body) if known is None else known

    def _known(self, family: bytes) -> Reply | None:
        with self._lock:
            if family in self._bodies:
                self._bodies.move_to_end(family)
            return self._bodies.get(family)

    def _made(self, family: bytes, body: bytes) -> Reply:
        reply = self._answerer(COMPUTE_PIXELS, body)
        if reply.status == HTTPStatus.OK:
            with self._lock:
                self._bodies[family] = reply
                while len(self._bodies) > KEPT:
                    self._bodies.popitem(last=False)
        return reply

    def close(self) -> None:
        """Release what is held."""
        self._bodies.clear()
        self._answerer.close()


def _sort_of(match: "re.Match[bytes]") -> bytes:
    """What stands for a varying part: its collection, or its key."""
    return match[0].split(b":", 1)[0] if b'":' in match[0] else match[0].rpartition(b"/")[0]
