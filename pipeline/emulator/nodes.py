"""Images as trees of pixel operations: nothing is computed until a window is asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from pipeline.emulator.lattice import WGS84, Frame, GridWindow, Projection, crs_transformer
from pipeline.emulator.pixel_types import PixelType, cast_values
from pipeline.emulator.replies import RequestError
from pipeline.emulator.resample import Cut, Pixels, bilinear_taps, nearest_taps, needed
from pipeline.emulator.scene import EmulatedScene

MAX_INNER_PIXELS = 64_000_000
"""Pixels of an intermediate image in a reprojection: keeps a wrong scale from filling the memory."""

UNPROJECTED = Projection()
"""Default projection of composites and constants: one degree a pixel."""


class Node(Protocol):
    """One pixel operation of one band."""

    def inputs(self, window: GridWindow, frame: Frame) -> Sequence[tuple["Node", GridWindow]]:
        """The operands, each with the window it is wanted on."""
        ...

    def combine(self, window: GridWindow, operands: Sequence[Pixels], frame: Frame) -> Pixels:
        """The pixels on `window` from those of the operands."""
        ...


@dataclass(frozen=True)
class Source:
    """A band of a scene on its native lattice; anywhere else by nearest neighbour."""

    scene: EmulatedScene
    band: str
    projection: Projection
    width: int
    height: int

    def cut(self, window: GridWindow, frame: Frame) -> Cut:
        """The native pixels that `window` needs."""
        located = frame.locate(window, self.projection)
        key = (window, self.projection, self.width, self.height)
        return frame.once(key, lambda: needed(located, margin=0).within(self.width, self.height))

    def sample(self, window: GridWindow, frame: Frame, have: Pixels, cut: Cut) -> Pixels:
        """The pixels on `window` from the native ones `have`, which cover `cut`."""
        key = (window, self.projection, cut, "nearest")
        return frame.once(key, lambda: nearest_taps(frame.locate(window, self.projection), cut)).apply(have)


@dataclass(frozen=True)
class Constant:
    """The same value everywhere."""

    value: float
    valid: bool = True

    def inputs(self, _window: GridWindow, _frame: Frame) -> Sequence[tuple[Node, GridWindow]]:
        """None."""
        return ()

    def combine(self, window: GridWindow, _operands: Sequence[Pixels], _frame: Frame) -> Pixels:
        """The constant."""
        shape = (window.height, window.width)
        return Pixels(np.full(shape, self.value), np.full(shape, self.valid))


class _OnSameWindow:
    """Operations whose operands lie on the window itself."""

    operands: tuple[Any, ...]

    def inputs(self, window: GridWindow, _frame: Frame) -> Sequence[tuple[Node, GridWindow]]:
        """Every operand on the same window."""
        return [(operand, window) for operand in self.operands]


@dataclass(frozen=True)
class Cast(_OnSameWindow):
    """Another pixel type."""

    operands: tuple[Any]
    target: PixelType

    def combine(self, _window: GridWindow, operands: Sequence[Pixels], _frame: Frame) -> Pixels:
        """The cast values under the same mask."""
        return Pixels(cast_values(operands[0].values, self.target), operands[0].valid)


@dataclass(frozen=True)
class Unmask(_OnSameWindow):
    """(image, fill): the fill where the image is masked, within `footprint` (degrees; None: everywhere)."""

    operands: tuple[Any, Any]
    footprint: BaseGeometry | None

    def combine(self, window: GridWindow, operands: Sequence[Pixels], frame: Frame) -> Pixels:
        """Image over fill."""
        image, fill = operands
        filled = fill.valid
        if self.footprint is not None and not image.valid.all():
            filled = filled & inside(self.footprint, window, frame)
        return Pixels(np.where(image.valid, image.values, fill.values), image.valid | filled)


@dataclass(frozen=True)
class UpdateMask(_OnSameWindow):
    """(image, mask): masked also where the mask is zero or masked."""

    operands: tuple[Any, Any]

    def combine(self, _window: GridWindow, operands: Sequence[Pixels], _frame: Frame) -> Pixels:
        """The image under both masks."""
        image, mask = operands
        return Pixels(image.values, image.valid & mask.valid & (mask.values != 0))


@dataclass(frozen=True)
class MaskOf(_OnSameWindow):
    """The mask of an image as pixels, 1 where valid."""

    operands: tuple[Any]

    def combine(self, _window: GridWindow, operands: Sequence[Pixels], _frame: Frame) -> Pixels:
        """The mask, valid everywhere."""
        return Pixels(operands[0].valid.astype(np.float32), np.ones_like(operands[0].valid))


@dataclass(frozen=True)
class Elementwise(_OnSameWindow):
    """A function of corresponding pixels; masked where any operand is."""

    operands: tuple[Any, ...]
    function: Callable[..., Any]

    def combine(self, _window: GridWindow, operands: Sequence[Pixels], _frame: Frame) -> Pixels:
        """The function's values."""
        values = np.asarray(self.function(*(o.values for o in operands)))
        return Pixels(values, np.logical_and.reduce([o.valid for o in operands]))


@dataclass(frozen=True)
class Mosaic(_OnSameWindow):
    """Images on top of one another, the last on top."""

    operands: tuple[Any, ...]

    def combine(self, _window: GridWindow, operands: Sequence[Pixels], _frame: Frame) -> Pixels:
        """The last valid pixel at each place."""
        values, valid = operands[0].values, operands[0].valid
        for layer in operands[1:]:
            values, valid = np.where(layer.valid, layer.values, values), valid | layer.valid
        return Pixels(values, valid)


@dataclass(frozen=True)
class Regrid:
    """The operand computed on its own lattice, then brought to the window: resample() and reproject()."""

    operand: Any
    lattice: Projection
    mode: str
    """'nearest' or 'bilinear'."""

    def _cut(self, window: GridWindow, frame: Frame) -> Cut:
        margin = 1 if self.mode == "bilinear" else 0
        return frame.once((window, self.lattice, margin), lambda: needed(frame.locate(window, self.lattice), margin))

    def inputs(self, window: GridWindow, frame: Frame) -> Sequence[tuple[Node, GridWindow]]:
        """The operand on the part of its lattice that the window needs."""
        cut = self._cut(window, frame)
        width, height = cut.column1 - cut.column0, cut.row1 - cut.row0
        if width * height > MAX_INNER_PIXELS:
            raise RequestError(f"Reprojection output too large ({width}x{height} pixels).")
        inner = GridWindow(self.lattice.shifted(cut.column0, cut.row0), width, height)
        return [(self.operand, inner)]

    def combine(self, window: GridWindow, operands: Sequence[Pixels], frame: Frame) -> Pixels:
        """The resampled pixels."""
        make = bilinear_taps if self.mode == "bilinear" else nearest_taps
        cut = self._cut(window, frame)
        taps = frame.once((window, self.lattice, cut, self.mode), lambda: make(frame.locate(window, self.lattice), cut))
        return taps.apply(operands[0])


@dataclass(frozen=True)
class Band:
    """A named band of an image."""

    name: str
    node: Any
    """A Source or another Node."""
    pixel_type: PixelType
    projection: Projection = UNPROJECTED
    size: tuple[int, int] | None = None
    """(width, height) of a native lattice; None where it is unbounded."""

    @property
    def composite(self) -> bool:
        """Whether the default projection carries no meaning: one degree a pixel."""
        return self.projection == UNPROJECTED


def inside(footprint: BaseGeometry, window: GridWindow, frame: Frame) -> NDArray[np.bool_]:
    """Which pixel centres lie in a footprint given in degrees."""
    crs = window.projection.crs
    x, y = np.broadcast_arrays(*frame.positions(window, crs))
    local = shapely.transform(footprint, crs_transformer(WGS84, crs).transform, interleaved=False)
    return np.asarray(shapely.contains_xy(local, x, y))
