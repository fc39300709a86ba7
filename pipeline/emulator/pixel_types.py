"""Pixel types as Earth Engine names them, and casts between them."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PixelType:
    """The type of a band's pixels."""

    precision: str
    """'int', 'float' or 'double'."""
    minimum: float | None = None
    """Smallest value; None for the floating types."""
    maximum: float | None = None
    """Largest value; None for the floating types."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest numpy type that holds the range."""
        if self.precision != "int":
            return np.dtype(np.float32 if self.precision == "float" else np.float64)
        low, high = int(self.minimum or 0), int(self.maximum or 0)
        return next(np.dtype(kind) for kind in _INTEGERS if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)


_INTEGERS: Final = (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.int64)


def integer_type(kind: Any) -> PixelType:
    """The pixel type with the full range of a numpy integer."""
    limits = np.iinfo(kind)
    return PixelType("int", limits.min, limits.max)


FLOAT: Final = PixelType("float")
DOUBLE: Final = PixelType("double")
UINT8: Final = integer_type(np.uint8)
UINT16: Final = integer_type(np.uint16)

NAMED: Final = {
    "int8": integer_type(np.int8),
    "uint8": UINT8,
    "byte": UINT8,
    "int16": integer_type(np.int16),
    "short": integer_type(np.int16),
    "uint16": UINT16,
    "int32": integer_type(np.int32),
    "int": integer_type(np.int32),
    "uint32": integer_type(np.uint32),
    "int64": integer_type(np.int64),
    "long": integer_type(np.int64),
    "float": FLOAT,
    "double": DOUBLE,
}
"""Type names that Image.cast accepts (its description in the list of algorithms)."""


def constant_type(value: float) -> PixelType:
    """The type of a constant: an integer's range is the value itself, as Earth Engine shows it."""
    if isinstance(value, float) and not value.is_integer():
        return DOUBLE
    return PixelType("int", int(value), int(value))


def cast_values(values: NDArray[Any], target: PixelType) -> NDArray[Any]:
    """Cast pixels: integers truncate towards zero and clamp to the type's range.

    Earth Engine documents neither; both are decisions of this emulator.
    """
    if target.precision != "int":
        return values.astype(target.dtype, copy=False)
    if values.dtype == target.dtype:
        return values
    low, high = target.minimum or 0, target.maximum or 0
    held: NDArray[Any] = np.clip(np.trunc(np.nan_to_num(values)), low, high)
    return held.astype(target.dtype)


def union_type(one: PixelType, two: PixelType) -> PixelType:
    """The type that holds the pixels of both; a floating type wins over an integer one, double over float."""
    precisions = (one.precision, two.precision)
    for floating in ("double", "float"):
        if floating in precisions:
            return PixelType(floating)
    return PixelType("int", min(one.minimum or 0, two.minimum or 0), max(one.maximum or 0, two.maximum or 0))
