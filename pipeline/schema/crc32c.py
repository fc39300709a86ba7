"""The Castagnoli checksum of memory, taken without Python's lock where the library can be called directly."""

import ctypes
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Final

import google_crc32c
import numpy as np
from numpy.typing import NDArray

CHECKSUM_BYTES = 4
"""Length of a checksum behind a chunk (Zarr v3 specification, codec crc32c)."""

WITH_ITS_CHECKSUM: Final = 0x48674BC7
"""The checksum of any bytes with their own checksum behind them, little-endian, so that nothing has to be cut off and
compared: the residue 0x1C2D19ED of RFC 3720, section 12.1, bits in reverse order and inverted."""


SHORT: Final = 2**18
"""Bytes that are checked with Python's lock held: 15 us, less than getting it back from another thread takes."""

_Direct = Callable[[int, int], int]


def crc32c(data: NDArray[np.uint8]) -> int:
    """Return the CRC-32C (RFC 3720, appendix B.4) of a contiguous uint8 array."""
    direct = _library()
    if direct is None:
        return int(google_crc32c.value(data.tobytes()))
    without_lock, with_lock = direct
    return (with_lock if data.size <= SHORT else without_lock)(_address(data), data.size)


def _address(data: NDArray[np.uint8]) -> int:
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(data.data))  # a third of what data.ctypes.data takes
    except (TypeError, ValueError):  # read-only, or empty
        return data.ctypes.data


@functools.cache
def _library() -> tuple[_Direct, _Direct] | None:
    """The C function without and with Python's lock held, or None where there is none.

    The package's Python function copies the bytes and holds the lock, so that threads would check one after another.
    """
    opened = checksum_library()
    if opened is None:
        return None
    functions = opened.crc32c_value, ctypes.PyDLL(opened._name).crc32c_value
    for function in functions:
        function.argtypes, function.restype = (ctypes.c_void_p, ctypes.c_size_t), ctypes.c_uint32
    return functions


def checksum_library() -> ctypes.CDLL | None:
    """The C library that the wheel of google-crc32c brings, opened anew; None where it brings none."""
    folder = Path(google_crc32c.__file__).parent
    for found in sorted((*folder.with_suffix(".libs").glob("*crc32c*.so*"), *folder.glob(".dylibs/*crc32c*"))):
        try:
            library = ctypes.CDLL(str(found))
        except OSError:
            continue
        if hasattr(library, "crc32c_value"):
            return library
    return None
