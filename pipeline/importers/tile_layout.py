"""What a published tile data set looks like on disk, and how one of its tiles becomes arrays of ours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.importers.tile_raster import BadTileError, TileRaster, decode_tile_raster, same_place
from pipeline.manifest.tile_sets import TileSet
from pipeline.schema.bands import S1_BANDS, S1_NODATA, S2_BANDS
from pipeline.schema.grid import PixelGrid
from pipeline.schema.landcover import IGNORE
from pipeline.schema.tiles import Split
from pipeline.tile_arrays import LabelName

NOWHERE: Final = 0
"""EPSG code of a tile whose files do not say where it lies."""

S1_RANGE_DB: Final = (-100.0, 60.0)
"""Backscatter outside of this is no dB: Sentinel-1's noise floor lies near -30 dB, strong reflectors near +30 dB."""


@dataclass(frozen=True)
class Placed:
    """What one file of a data set is."""

    split: Split
    tile_id: str
    role: str
    """'s1', 's2', or a label array's name."""


@dataclass(frozen=True)
class TileLayout:
    """One published tile data set."""

    name: str
    """As `noldo import` calls it."""
    store: str
    """The stores are called after it, with _train and _test."""
    about: TileSet
    labels: tuple[LabelName, ...]
    place: Callable[[str], Placed | None]
    """What a file is by its path; None where it is no part of the set."""
    classes: Mapping[LabelName, Callable[[TileRaster, str], NDArray[np.uint8]]]
    """The classes of a label file; raises BadTileError."""
    sides: frozenset[int]
    """Of its tiles, pixels."""
    example: str
    """Paths that it expects, for messages."""
    optional: frozenset[str] = frozenset()
    """Label arrays that a tile may lack."""
    misplaced: frozenset[str] = frozenset()
    """Label arrays whose files are known to state a wrong place; only their size is held against the images."""

    @property
    def roles(self) -> tuple[str, ...]:
        """What a tile consists of."""
        return ("s1", "s2", *self.labels)


def read_tile(files: Mapping[str, bytes], layout: TileLayout) -> tuple[dict[str, NDArray[Any]], PixelGrid]:
    """The arrays of one tile and its grid, from its files' bytes by role; no label is resampled.

    Raises BadTileError where a file is missing or broken, has other bands, another size or place, or values that it
    cannot have.
    """
    missing = [role for role in layout.roles if role not in files and role not in layout.optional]
    if missing:
        raise BadTileError("file missing", f"no {missing[0]}")
    rasters = {r: decode_tile_raster(data, r, placed=r not in layout.misplaced) for r, data in files.items()}
    arrays: dict[str, NDArray[Any]] = {"s2": _s2(rasters["s2"]), "s1": _s1(rasters["s1"])}
    height, width = arrays["s2"].shape[-2:]
    for name in layout.labels:
        found = rasters.get(name)
        arrays[name] = (
            np.full((height, width), IGNORE, np.uint8) if found is None else layout.classes[name](found, name)
        )
    for role, values in arrays.items():
        if values.shape[-2:] != (height, width) or height != width or height not in layout.sides:
            sides = " or ".join(f"{side}" for side in sorted(layout.sides))
            raise BadTileError("wrong size", f"{role} has {values.shape[-1]} x {values.shape[-2]} px, expected {sides}")
    return arrays, _grid(rasters, height)


def recoded(values_HW: NDArray[Any], codes: Mapping[int, int], name: str) -> NDArray[np.uint8]:
    """Codes of a file as classes; BadTileError names one that is not known."""
    table = np.full(IGNORE + 1, -1, np.int16)
    for code, label in codes.items():
        table[code] = label
    inside = (values_HW >= 0) & (values_HW <= IGNORE) & (values_HW == np.rint(values_HW))
    classes = table[np.where(inside, values_HW, 0).astype(np.int64)]
    strange = ~inside | (classes < 0)
    if strange.any():
        raise BadTileError("unknown class", f"{name} holds {values_HW[strange].flat[0]:g}")
    return classes.astype(np.uint8)


def _s2(raster: TileRaster) -> NDArray[np.uint16]:
    values = raster.bands
    _require_bands("s2", values, len(S2_BANDS))
    if values.dtype != np.uint16:
        whole = np.rint(values)
        if not (
            np.isfinite(values).all() and (whole == values).all() and (values >= 0).all() and (values < 2**16).all()
        ):
            raise BadTileError(
                "values out of range", f"s2 is {values.dtype} and holds other than whole numbers 0..65535"
            )
    return values.astype(np.uint16)


def _s1(raster: TileRaster) -> NDArray[np.float32]:
    values = raster.bands
    _require_bands("s1", values, len(S1_BANDS))
    if values.dtype.kind != "f":
        raise BadTileError("values out of range", f"s1 is {values.dtype}, expected dB as floating point")
    # No pixel is 0 dB to the last bit in both polarisations: that is what the published scripts pad with.
    unseen = ~np.isfinite(values).all(axis=0) | (values == 0).all(axis=0) | (values == S1_NODATA).any(axis=0)
    low, high = S1_RANGE_DB
    strange = ~unseen & ((values < low) | (values > high)).any(axis=0)
    if strange.any():
        raise BadTileError("values out of range", f"s1 holds {values[:, strange].flat[0]:g}, which is no dB")
    return np.where(unseen, S1_NODATA, values).astype(np.float32)


def _require_bands(role: str, values: NDArray[Any], expected: int) -> None:
    if values.shape[0] != expected:
        raise BadTileError("wrong bands", f"{role} has {values.shape[0]} bands, expected {expected}")


def _grid(rasters: Mapping[str, TileRaster], side: int) -> PixelGrid:
    known = {role: raster.grid for role, raster in rasters.items() if raster.grid is not None}
    if not known:
        return PixelGrid(NOWHERE, 0.0, 0.0, side, side)
    first = known.get("s2") or next(iter(known.values()))
    apart = [role for role, grid in known.items() if not same_place(grid, first)]
    if apart:
        raise BadTileError(
            "files lie apart", f"{apart[0]} lies elsewhere than {'s2' if 's2' in known else 'the others'}"
        )
    return first
