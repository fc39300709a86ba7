"""The arrays of a downstream store: a row a tile, raw images, labels, and where each tile lies.

Beside the images and labels a store has `ignore` (1 where its last label array has no label), `epsg` and
`geotransform` (a, b, c, d, e, f), so that a row can be read and mapped without the index.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, Crc32cCodec

from pipeline.content import array_digest
from pipeline.files import is_storage_error, zarr_store
from pipeline.schema.bands import S1_BANDS, S1_NODATA, S2_BANDS, S2_NODATA
from pipeline.schema.dfc2020 import DFC_CLASSES
from pipeline.schema.errors import NoldoError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.landcover import DW_CLASSES, IGNORE, OSM_CLASSES, LandCoverClass
from pipeline.schema.paths import AnyPath
from pipeline.schema.tiles import TileArrays, TileShardRecord
from pipeline.store_arrays import LEVELS, Codec

LabelName = Literal["dw", "osm", "dfc"]

LEGENDS: Final[dict[LabelName, tuple[LandCoverClass, ...]]] = {"dw": DW_CLASSES, "osm": OSM_CLASSES, "dfc": DFC_CLASSES}
"""The classes of every label array that a store can have."""

_TITLES: Final[dict[LabelName, str]] = {
    "dw": "Land cover marked by experts, Dynamic World's classes",
    "osm": "Land use of OpenStreetMap, the classes of osmlanduse.org",
    "dfc": "Land cover of the 2020 IEEE GRSS Data Fusion Contest, 8 classes",
}

FILLS: Final[dict[str, float]] = {"s2": S2_NODATA, "s1": S1_NODATA, "dw": IGNORE, "osm": IGNORE, "dfc": IGNORE}
"""What a pixel without content holds, by array."""

IMAGES: Final = ("s2", "s1")

UNREADABLE: Final = (OSError, KeyError, IndexError, ValueError, RuntimeError)
"""What zarr raises for files that are missing, cut short or changed."""


def is_unreadable(error: Exception) -> bool:
    """Whether an exception is what missing or damaged stores raise, metadata and object storage included."""
    return isinstance(error, (*UNREADABLE, TypeError, ArithmeticError)) or is_storage_error(error)


@dataclass(frozen=True)
class TileArrayPlan:
    """One array of a downstream store."""

    name: str
    dtype: str
    dimensions: tuple[str, ...]
    row_shape: tuple[int, ...]
    fill: float
    attributes: dict[str, Any]


def tile_array_plans(size_px: int, labels: Sequence[LabelName]) -> tuple[TileArrayPlan, ...]:
    """The plans of s2, s1, the label arrays, ignore, epsg and geotransform for square tiles of that side."""
    size, axes = (size_px, size_px), ("y", "x")
    return (
        TileArrayPlan("s2", "uint16", ("tile", "s2_band", *axes), (len(S2_BANDS), *size), S2_NODATA, _s2_attributes()),
        TileArrayPlan("s1", "float32", ("tile", "s1_band", *axes), (len(S1_BANDS), *size), S1_NODATA, _s1_attributes()),
        *(TileArrayPlan(n, "uint8", ("tile", *axes), size, IGNORE, _label_attributes(n)) for n in labels),
        TileArrayPlan("ignore", "uint8", ("tile", *axes), size, 1, _ignore_attributes(labels[-1])),
        TileArrayPlan("epsg", "int32", ("tile",), (), 0, {"long_name": "EPSG code of the tile's UTM zone"}),
        TileArrayPlan(
            "geotransform",
            "float64",
            ("tile", "coefficient"),
            (6,),
            0.0,
            {"long_name": "x = a*col + b*row + c, y = d*col + e*row + f at the corner of a pixel", "units": "m"},
        ),
    )


def create_tile_arrays(
    group: zarr.Group, *, n_rows: int, size_px: int, shard_rows: int, codec: Codec, labels: Sequence[LabelName]
) -> None:
    """Create the empty arrays, sharded over the rows, one tile to an inner chunk with a crc32c of its own."""
    for plan in tile_array_plans(size_px, labels):
        width = np.dtype(plan.dtype).itemsize
        group.create_array(
            plan.name,
            shape=(n_rows, *plan.row_shape),
            chunks=(1, *plan.row_shape),
            shards=(shard_rows, *plan.row_shape),
            dtype=plan.dtype,
            fill_value=plan.fill,
            filters=None,
            compressors=[
                BloscCodec(cname=codec, clevel=LEVELS[codec], shuffle="shuffle" if width > 1 else "noshuffle"),
                Crc32cCodec(),
            ],
            dimension_names=plan.dimensions,
            attributes=plan.attributes,
        )


def pad_tile(arrays: TileArrays, grid: PixelGrid, size_px: int) -> tuple[dict[str, NDArray[np.generic]], PixelGrid]:
    """Put a tile in the middle of a square of that side, and move its grid accordingly; no pixel is resampled.

    510 to 512 px is a ring of one pixel; of an odd difference the larger half goes to the right and the bottom. What
    is added holds no data in images and IGNORE in labels. Raises ValueError where the tile is larger.
    """
    before_y, before_x = (size_px - grid.height_px) // 2, (size_px - grid.width_px) // 2
    if before_y < 0 or before_x < 0:
        raise ValueError(f"a tile of {grid.width_px} x {grid.height_px} px does not fit into {size_px} px")
    padded: dict[str, NDArray[np.generic]] = {}
    for name, values in arrays.items():
        if values.shape[-2:] != (grid.height_px, grid.width_px):
            raise ValueError(f"'{name}' is {values.shape}, its grid {grid.height_px} x {grid.width_px} px")
        whole = np.full((*values.shape[:-2], size_px, size_px), FILLS[name], values.dtype)
        whole[..., before_y : before_y + grid.height_px, before_x : before_x + grid.width_px] = values
        padded[name] = whole
    return padded, pad_grid(grid, size_px)


def pad_grid(grid: PixelGrid, size_px: int) -> PixelGrid:
    """The grid of a tile in the middle of a square of that side, as `pad_tile` puts it there."""
    return PixelGrid(
        epsg=grid.epsg,
        left_m=grid.left_m - (size_px - grid.width_px) // 2 * grid.pixel_m,
        top_m=grid.top_m + (size_px - grid.height_px) // 2 * grid.pixel_m,
        width_px=size_px,
        height_px=size_px,
        pixel_m=grid.pixel_m,
    )


def open_tile_arrays(store: AnyPath, mode: Literal["r", "r+"] = "r") -> dict[str, Any]:
    """The arrays of a downstream store by name; NoldoError where it cannot be read."""
    try:
        return dict(sorted(zarr.open_group(zarr_store(store), mode=mode).arrays()))
    except UNREADABLE as error:
        raise NoldoError(f"{store} cannot be read ({error}); run the build again") from error


def label_names(arrays: Mapping[str, Any]) -> tuple[LabelName, ...]:
    """The label arrays among a store's arrays; the last one is what the set is about."""
    return tuple(name for name in LEGENDS if name in arrays)


def read_tile_row(store: AnyPath, row: int) -> dict[str, NDArray[np.generic]]:
    """The images and labels of one row as stored; NoldoError where they cannot be read."""
    arrays = open_tile_arrays(store)
    try:
        return {name: np.asarray(arrays[name][row]) for name in (*IMAGES, *label_names(arrays))}
    except UNREADABLE as error:
        raise NoldoError(f"{store}: row {row} cannot be read ({error}); restore it or run the build again") from error


def tile_store_digests(
    records: Sequence[TileShardRecord], dtypes: Mapping[str, str], row_shapes: Mapping[str, Sequence[int]]
) -> dict[str, str]:
    """The digest of every array of a store, from the records of all its shards, and each one's type and row shape."""
    ordered = sorted(records, key=lambda record: record.shard)
    rows: dict[str, list[str]] = {name: [] for name in row_shapes}
    for record in ordered:
        for found in record.arrays:
            rows[found.array] += found.digests
    return {name: array_digest(dtypes[name], shape, rows[name]) for name, shape in row_shapes.items()}


def class_counts(records: Sequence[TileShardRecord]) -> dict[str, dict[str, int]]:
    """Pixels per class name and 'no label', by label array, over all shards."""
    totals: dict[str, NDArray[np.int64]] = {}
    for count in (count for record in records for count in record.labels):
        totals[count.array] = totals.get(count.array, np.int64(0)) + np.array(count.pixels, np.int64)
    return {
        name: dict(zip([*(c.name for c in LEGENDS[name]), "no label"], totals[name].tolist(), strict=True))
        for name in LEGENDS
        if name in totals
    }


def _s2_attributes() -> dict[str, Any]:
    return {
        "long_name": "Sentinel-2 L1C top-of-atmosphere digital numbers, without the offset of baseline 04.00",
        "units": "1",
        "scale_factor": 1e-4,
        "bands": list(S2_BANDS),
        "comment": f"Raw: reflectance x 10000. {S2_NODATA} where not observed.",
    }


def _s1_attributes() -> dict[str, Any]:
    return {
        "long_name": "Sentinel-1 GRD IW backscatter",
        "units": "dB",
        "bands": list(S1_BANDS),
        "comment": f"{S1_NODATA:g} where not observed.",
    }


def _label_attributes(name: LabelName) -> dict[str, Any]:
    legend = LEGENDS[name]
    words = (c.name.replace("&", "and").replace(",", "").replace(" ", "_") for c in legend)
    return {
        "long_name": _TITLES[name],
        "units": "1",
        "flag_values": [c.code for c in legend],
        "flag_meanings": " ".join(words),
        "_FillValue": IGNORE,
        "comment": f"{IGNORE}: no label; never a class.",
    }


def _ignore_attributes(label: LabelName) -> dict[str, Any]:
    return {
        "long_name": f"1 where {label} has no label, else 0",
        "units": "1",
        "flag_values": [0, 1],
        "flag_meanings": "labelled ignored",
    }
