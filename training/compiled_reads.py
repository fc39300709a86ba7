"""Chunks read from open files, checked and decoded by compiled code: many in one call, all without Python's lock.

Python's own calls let the lock go and take it back for every read, checksum and decoding, and a thread that has to wait
for it sleeps and is woken, which takes as long as decoding a small chunk. Here the lock changes hands once for some
chunks. The C functions are those of the libraries that `training.shards` calls from Python otherwise; Numba compiles
the loop around them when it first runs, in about a second.
"""

import ctypes
import threading
from collections.abc import Sequence
from typing import Any, Final

import numba
import numpy as np
from numcodecs import blosc
from numpy.typing import NDArray

from pipeline.schema.crc32c import CHECKSUM_BYTES, WITH_ITS_CHECKSUM, checksum_library

_HEADER: Final = 16
"""Bytes before a blosc chunk's data (c-blosc, README_CHUNK_FORMAT.rst): flags at 2, decoded size at 4, size at 12."""

_STORED_AS_IS: Final = 0x02
"""The flag of a chunk that compressing would have made longer: its data are the bytes themselves."""

_STEP: Final = 2**17
"""Bytes read before they are checked, while a core's own cache still holds them."""

_FAILED: Final = -1

_WORD: Final = ctypes.c_ssize_t
"""Addresses and sizes alike: Numba makes a float of a signed and an unsigned number's sum."""

_Int = np.int64 | int
"""A number in compiled code: 64 bits, signed."""

_own = threading.local()


def read_compiled(extents: Sequence[tuple[int, int, int]], target: NDArray[np.uint8]) -> Sequence[int]:
    """Decode chunks, each into its part of `target` (n, ...), contiguous, and return the numbers of those it could not.

    `extents`: of each an open file's descriptor, and offset and length in it, checksum included.
    It cannot where a chunk cannot be read, its checksum does not fit, it is not of the target's size, or this machine's
    libraries do not show the functions that decoding takes; what lies in the chunk's part then is anything.
    """
    if not (_pread and _extend and _decompress and extents):
        return range(len(extents))
    failed = np.zeros(len(extents), np.bool_)
    memory = _memory(max(size for _, _, size in extents))
    a_chunk = target.nbytes // len(extents)
    if _read_each(np.array(extents, np.int64), target.ctypes.data, a_chunk, memory, failed):
        return ()
    found: list[int] = np.flatnonzero(failed).tolist()
    return found


def _memory(size: int) -> NDArray[np.uint8]:
    """Memory of at least that size, and a header's, which belongs to this thread."""
    kept: NDArray[np.uint8] | None = getattr(_own, "memory", None)
    if kept is None or len(kept) < size:
        kept = _own.memory = np.empty(2 * size + _HEADER, np.uint8)
    return kept


def _c_function(library: ctypes.CDLL | None, name: str, result: Any, *arguments: Any) -> Any:
    """A C function with its types, or None where the library does not show it."""
    function = getattr(library, name, None)
    if function is not None:
        function.argtypes, function.restype = arguments, result
    return function


_pread = _c_function(ctypes.CDLL(None), "pread", _WORD, ctypes.c_int, _WORD, _WORD, _WORD)
_extend = _c_function(checksum_library(), "crc32c_extend", ctypes.c_uint32, ctypes.c_uint32, _WORD, _WORD)
_decompress = _c_function(
    ctypes.CDLL(blosc.__file__), "blosc_decompress_ctx", ctypes.c_int, _WORD, _WORD, _WORD, ctypes.c_int
)


@numba.njit(nogil=True)
def _fetch(file: _Int, start: _Int, size: _Int, memory: _Int, checksum: _Int) -> _Int:
    """Read part of a file to an address, and take the checksum on, or return _FAILED."""
    done: _Int = 0
    while done < size:
        read = _pread(np.int32(file), memory + done, min(_STEP, size - done), start + done)
        if read <= 0:
            return _FAILED
        checksum = np.int64(_extend(np.uint32(checksum), memory + done, read))
        done += read
    return checksum


@numba.njit(nogil=True)
def _number(memory: NDArray[np.uint8], at: _Int) -> _Int:
    """Four bytes, little-endian."""
    number: _Int = 0
    for byte in range(4):
        number |= np.int64(memory[at + byte]) << (8 * byte)
    return number


@numba.njit(nogil=True)
def _read_one(file: _Int, start: _Int, size: _Int, target: _Int, decoded: _Int, memory: NDArray[np.uint8]) -> bool:
    """Whether a chunk was read, is what was written, is of the right size, and lies decoded at the target's address."""
    stored, address = size - CHECKSUM_BYTES, memory.ctypes.data
    if stored < _HEADER:
        return False
    checksum = _fetch(file, start, _HEADER, address, 0)
    if checksum == _FAILED or _number(memory, 4) != decoded or _number(memory, 12) != stored:
        return False
    if memory[2] & _STORED_AS_IS and stored == _HEADER + decoded:
        checksum = _fetch(file, start + _HEADER, decoded, target, checksum)
        if checksum == _FAILED:
            return False
        return _fetch(file, start + stored, CHECKSUM_BYTES, address, checksum) == WITH_ITS_CHECKSUM
    checksum = _fetch(file, start + _HEADER, size - _HEADER, address + _HEADER, checksum)
    return checksum == WITH_ITS_CHECKSUM and _decompress(address, target, decoded, np.int32(1)) == decoded


@numba.njit(nogil=True)
def _read_each(
    extents: NDArray[np.int64], target: _Int, decoded: _Int, memory: NDArray[np.uint8], failed: NDArray[np.bool_]
) -> bool:
    """Whether all chunks were read; extents (n, 3), failed (n,)."""
    well = True
    for at in range(len(extents)):
        file, start, size = extents[at, 0], extents[at, 1], extents[at, 2]
        failed[at] = not _read_one(file, start, size, target + at * decoded, decoded, memory)
        well = well and not failed[at]
    return well
