"""What an importer hands over: locations whose pixels are whole, and plain words on those that are not."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.schema.bands import S2_NODATA
from pipeline.schema.grid import PATCH_PX
from pipeline.schema.records import Location, Patch, SeasonMatch

S2_OFFSET: Final = 1000
"""Added to every digital number since processing baseline 04.00 (Sentinel-2 Products Specification, 'RADIO_ADD_OFFSET';
Earth Engine catalogue, S2_HARMONIZED)."""

OFFSET_SINCE: Final = (4, 0)
"""The first processing baseline with the offset."""

MAX_FILE_BYTES: Final = 16 * 2**20
"""A band of a patch has 0.3 MB at most. What is larger is no band, and is told as one that cannot be read."""

PATCH_SHAPE: Final = (PATCH_PX, PATCH_PX)


@dataclass(frozen=True)
class Imported:
    """One location of a published set, as a build would have it."""

    location: Location
    matches: tuple[SeasonMatch, ...]
    """Its four seasons, in order."""
    patch: Patch


@dataclass(frozen=True)
class Problem:
    """Something of a published set that was not imported, and why."""

    where: str
    """The archive or folder."""
    location_id: str
    """Empty where it is not one location's."""
    reason: str
    """Short and countable, for example 'missing band'."""
    detail: str


class NotImportableError(Exception):
    """A location that cannot be imported; the others can."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


def without_offset(s2_BHW: NDArray[np.uint16], offset: int) -> NDArray[np.uint16]:
    """Digital numbers less the offset, as in COPERNICUS/S2_HARMONIZED; what was not observed stays that.

    What lies below the offset becomes 0, as it does there.
    """
    if not offset:
        return s2_BHW
    lower = np.clip(s2_BHW.astype(np.int32) - offset, 0, None).astype(np.uint16)
    return np.where(s2_BHW == S2_NODATA, np.uint16(S2_NODATA), lower)


def offset_of(baseline: str | None) -> int:
    """The offset that a raw L1C scene of a processing baseline such as '04.00' bears; 0 where none is told."""
    try:
        version = tuple(int(part) for part in (baseline or "").split("."))
    except ValueError:
        return 0
    return S2_OFFSET if version >= OFFSET_SINCE else 0
