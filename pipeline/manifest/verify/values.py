"""Whether values are such as their array may hold, by what the array says of itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.checks.arrival import PROBABILITY_ODD_SHARE, PROBABILITY_SLACK, PROBABILITY_UNIT, S1_RANGE_DB
from pipeline.schema.bands import S1_NODATA

Row = NDArray[Any]

RowCheck = Callable[[Row], str | None]
"""What is wrong with the values of one row, in one line, or None."""

CLASS_AXIS: Final = "dw_class"
"""Dimension along which probabilities add up."""

EXAMPLES: Final = 5
"""Values that a message names."""


def row_check(attributes: Mapping[str, Any], dimensions: Sequence[str], dtype: np.dtype[Any]) -> RowCheck | None:
    """The check of an array's rows, or None where every value of its type may be.

    Integers with the attribute flag_values hold those, or _FillValue; probabilities (a dimension dw_class) add up to
    255 within what rounding allows, or are all 0, in 99 of 100 pixels; backscatter (units dB) lies in the range that a
    build accepts, or is -9999; other floating-point numbers are finite. Scaled images fill the range of uint8, and raw
    Sentinel-2 that of uint16 (65535 is a saturated pixel: Sentinel-2 Products Specification, special values).
    `dimensions` are the array's, rows first. Raises ValueError where the attributes make no sense.
    """
    if dtype.kind in "iu" and "flag_values" in attributes:
        return _flags(attributes["flag_values"], attributes.get("_FillValue"), dtype)
    if dtype.kind in "iu" and CLASS_AXIS in dimensions:
        return _probabilities(list(dimensions).index(CLASS_AXIS) - 1)
    if dtype.kind == "f":
        return _backscatter if attributes.get("units") == "dB" else _finite
    return None


def _flags(flags: Any, fill: Any, dtype: np.dtype[Any]) -> RowCheck:
    if not isinstance(flags, list) or not flags or not all(isinstance(flag, int) for flag in flags):
        raise ValueError(f"flag_values is no list of whole numbers: {str(flags)[:80]}")
    if fill is not None and not isinstance(fill, int):
        raise ValueError(f"_FillValue is no whole number: {str(fill)[:80]}")
    known = sorted(set(flags) | ({fill} if fill is not None else set()))
    low, high = min(flags), max(flags)
    together = high - low + 1 == len(set(flags))
    least, most = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)

    def check(row: Row) -> str | None:
        if together and least <= low and high <= most:
            beyond = row > high
            if low > least:
                beyond |= row < low
            if fill is not None:
                beyond &= row != fill
            if not beyond.any():
                return None
        unknown = row[~np.isin(row, known)]
        if not unknown.size:
            return None
        values = np.unique(unknown)
        some = ", ".join(str(value) for value in values[:EXAMPLES].tolist()) + (
            ", ..." if len(values) > EXAMPLES else ""
        )
        return f"{unknown.size} values that are no class ({some}); known are {', '.join(map(str, known))}"

    return check


def _probabilities(axis: int) -> RowCheck:
    def check(row: Row) -> str | None:
        total = row.sum(axis=axis, dtype=np.int32)
        labelled = total != 0
        odd = int(np.count_nonzero(labelled & (np.abs(total - PROBABILITY_UNIT) > PROBABILITY_SLACK)))
        if odd <= PROBABILITY_ODD_SHARE * np.count_nonzero(labelled):
            return None
        return f"probabilities of {odd} pixels add up to neither {PROBABILITY_UNIT} nor 0"

    return check


def _backscatter(row: Row) -> str | None:
    low, high = S1_RANGE_DB
    with np.errstate(invalid="ignore"):
        fine = (row >= low) & (row <= high)
    if fine.all():
        return None
    wrong = row[~fine]
    wrong = wrong[wrong != S1_NODATA]
    if not wrong.size:
        return None
    return f"{wrong.size} values such as {wrong[0]} that are neither {low:g} to {high:g} dB nor {S1_NODATA:g}"


def _finite(row: Row) -> str | None:
    wrong = int(np.count_nonzero(~np.isfinite(row)))
    return f"{wrong} values that are not finite" if wrong else None
