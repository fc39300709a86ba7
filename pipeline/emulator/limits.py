"""Earth Engine's documented limits, which the emulator enforces.

Source: developers.google.com/earth-engine/guides/usage (quotas) and the reference of
projects.image.computePixels (sizes); defaults of a project, on either end point.
"""

from dataclasses import dataclass
from typing import Final

MAX_PIXEL_BYTES: Final = 50_331_648
"""computePixels: uncompressed bytes of one answer (reference page of ee.data.computePixels)."""

MAX_PIXEL_BANDS: Final = 1024
"""computePixels: bands of one answer (same page)."""

MAX_PIXEL_SIDE: Final = 32_768
"""computePixels: pixels along either side, '32K' (same page)."""

MAX_BODY_BYTES: Final = 10_485_760
"""Any request: bytes of its body (usage guide, request payload size)."""

MAX_CONCURRENT: Final = 40
"""Compute requests in flight for a project (usage guide, concurrent requests)."""

MAX_PAGE_SIZE: Final = 1000
"""computeFeatures: features a page, also where none is asked for (reference page of ee.data.computeFeatures)."""

MAX_LIST_ELEMENTS: Final = 5000
"""Elements that a collection query may accumulate in a reply (usage guide, 'more than 5000 elements')."""

MAX_TO_BANDS: Final = 5000
"""ImageCollection.toBands: bands of its result (description in the list of algorithms)."""

MEMORY_MESSAGE: Final = "User memory limit exceeded."
"""What a computation is told that needs too much memory (guide, 'Debugging': scaling errors)."""


@dataclass(frozen=True)
class MemoryLimit:
    """A stand-in for the memory that the service grants a computation, which no page puts in figures."""

    pixel_bands: int | None = None
    """Most bands of one answer of pixels; None: the documented limits alone."""
