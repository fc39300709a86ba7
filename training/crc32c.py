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


def crc32c(data: NDArray[np.uint8]) -> int:
    """Return the CRC-32C (RFC 3720, appendix B.4) of a contiguous uint8 array."""
    direct = _library()
    if direct is None:
        return int(google_crc32c.value(data.tobytes()))
    return direct(data.ctypes.data, data.size)


@functools.cache
def _library() -> Callable[[int, int], int] | None:
    """The C function in the library that the wheel of google-crc32c brings, or None where it brings none.

    Its Python function copies the bytes and holds Python's lock, so that threads would check one after another.
    """
    folder = Path(google_crc32c.__file__).parent
    for found in sorted((*folder.with_suffix(".libs").glob("*crc32c*.so*"), *folder.glob(".dylibs/*crc32c*"))):
        try:
            function = ctypes.CDLL(str(found)).crc32c_value
        except (OSError, AttributeError):
            continue
        function.argtypes, function.restype = (ctypes.c_void_p, ctypes.c_size_t), ctypes.c_uint32
        return function
    return None
