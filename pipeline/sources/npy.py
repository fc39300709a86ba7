"""The NPY body of a pixel answer as arrays, checked against what was asked for."""

import io
import math
import tokenize
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.schema.records import Arrays
from pipeline.sources.protocol import LayerRequest, PixelRequest
from pipeline.sources.retry import BrokenAnswerError

_HEADERS: Final = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
"""Readers of the header by format version (NumPy reference, numpy.lib.format)."""

_MAX_HEADER: Final = 1 << 16
"""Bytes of header that are read: about 25 a band, and an answer has at most 1024 bands."""

_ROWS_AT_A_TIME: Final = 8
"""A pixel's bands lie side by side in the body; this many rows of all bands fit a core's own cache."""


def read_pixels(request: PixelRequest, body: bytes | memoryview) -> Arrays:
    """One contiguous (height, width) array a layer name; BrokenAnswerError where anything is not as requested.

    Layers of one type and number of bands, which are a sensor's seasons, lie in memory one behind the other, in order.
    """
    shape = (request.grid.height_px, request.grid.width_px)
    expected = np.dtype([(name, layer.dtype) for layer in request.layers for name in layer.names])
    start = _checked_start(memoryview(body), shape, expected)
    rooms = {key: iter(room) for key, room in _rooms(request.layers, shape).items()}
    arrays: dict[str, Any] = {}
    moves, offset = [], start
    for layer in request.layers:
        dtype, bands = np.dtype(layer.dtype), len(layer.names)
        source = np.ndarray(
            (bands, *shape),
            dtype,
            buffer=body,
            offset=offset,
            strides=(dtype.itemsize, shape[1] * expected.itemsize, expected.itemsize),
        )
        target = next(rooms[_family(layer)])
        moves.append((target, source))
        arrays.update(zip(layer.names, target, strict=True))
        offset += bands * dtype.itemsize
    for row in range(0, shape[0], _ROWS_AT_A_TIME):
        rows = slice(row, row + _ROWS_AT_A_TIME)
        for target, source in moves:
            target[:, rows] = source[:, rows]
    return arrays


def _rooms(layers: Sequence[LayerRequest], shape: tuple[int, int]) -> dict[tuple[str, int], NDArray[np.generic]]:
    """(layers, bands, height, width), not filled yet, for the layers of every family."""
    counted = Counter(_family(layer) for layer in layers)
    return {(dtype, bands): np.empty((n, bands, *shape), dtype) for (dtype, bands), n in counted.items()}


def _family(layer: LayerRequest) -> tuple[str, int]:
    return layer.dtype, len(layer.names)


def _checked_start(body: memoryview, shape: tuple[int, int], expected: np.dtype[Any]) -> int:
    """Where the pixels begin in a body that holds exactly what was asked for."""
    stream = io.BytesIO(body[:_MAX_HEADER])
    try:
        version = np.lib.format.read_magic(stream)
        if version not in _HEADERS:
            raise BrokenAnswerError(f"the pixels came as NPY of version {version}, which is not read here")
        got_shape, by_columns, got = _HEADERS[version](stream, max_header_size=_MAX_HEADER)
    except (ValueError, TypeError, EOFError, OSError, SyntaxError, tokenize.TokenError) as error:
        raise BrokenAnswerError(f"{len(body)} bytes of pixels are not a whole NPY array ({error})") from error
    names, wanted = got.names or (), expected.names or ()
    if got_shape != shape or by_columns or names != wanted:
        raise BrokenAnswerError(
            f"expected {len(wanted)} bands of shape {shape}, got {len(names)} of shape {got_shape}"
            + ("" if sorted(names) != sorted(wanted) else " in another order")
        )
    for name in wanted:
        if got[name] != expected[name]:
            raise BrokenAnswerError(f"band {name} arrived as {got[name]}, expected {expected[name]}")
    size = math.prod(shape) * expected.itemsize
    if got != expected or len(body) - stream.tell() != size:
        raise BrokenAnswerError(f"expected {size} bytes of pixels after the header, got {len(body) - stream.tell()}")
    return stream.tell()
