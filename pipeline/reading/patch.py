"""One season of one location, on the map."""

from typing import Final

import pandas as pd
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords

from pipeline.reading.arrays import open_arrays, row_dimension, unreadable
from pipeline.reading.index import SCENE_COLUMNS, folder_of, one_store, read_index
from pipeline.reading.raw_units import in_raw_units
from pipeline.schema.errors import UsageError
from pipeline.schema.paths import AnyPath
from pipeline.tile_arrays import FILLS, is_unreadable

GRID_MAPPING: Final = "spatial_ref"
"""The coordinate that holds the CRS, by the name that rioxarray, odc-geo and GDAL look for (CF 1.11, section 5.6)."""


def open_patch(
    root: str | AnyPath, location_id: str, season: int = 0, *, store: str | None = None, raw: bool = False
) -> xr.Dataset:
    """Read one season of one location or tile of the data set in `root` (see open_dataset), on its own UTM grid.

    Dimensions: s2_band or s1_band, y, x. x and y are the centres of the pixels, metres in the CRS that the coordinate
    spatial_ref states (CF grid mapping); scene ids and times stand beside them as scalars. A patch that lies nobody
    knows where, as in some imported sets, has neither x nor y nor a CRS.

    `raw`: restore the units that a pretraining store was scaled from, as float32: Sentinel-2 digital numbers
    (reflectance x 10,000), Sentinel-1 dB, probabilities 0..1. What was clipped stays clipped; see raw_units. A
    downstream store holds them as they are. `store` names one of several that have the location.

    Raises UsageError where there is no such location or season, NoldoError where it cannot be read.
    """
    folder = folder_of(root)
    index = read_index(folder, location_id)
    if index.empty:
        raise UsageError(f"{folder} has no location '{location_id}'; see column location_id of manifest/index.parquet")
    path = one_store(folder, index, store)
    rows = index[index["store"] == path]
    described = rows[rows["season"] == season]
    if described.empty:
        there = ", ".join(map(str, sorted(rows["season"])))
        raise UsageError(f"location {location_id} has season {there}, not {season}")
    row = described.iloc[0]
    patch = _placed(_read(folder / path, row), row)
    return in_raw_units(patch) if raw else patch


def _read(store: AnyPath, row: pd.Series) -> xr.Dataset:
    arrays = open_arrays(store)
    wanted = {row_dimension(arrays): int(row["row"])}
    if "season" in arrays.dims:
        wanted["season"] = int(row["season"])
    try:
        patch = arrays.isel(wanted).load().drop_encoding()  # of a patch alone: written elsewhere, it has no shards
    except Exception as error:
        if not is_unreadable(error):
            raise
        raise unreadable(store, error) from error
    for name, array in patch.items():
        if name in FILLS and array.dtype != "uint8":  # scaled images keep no value free for what was not observed
            array.attrs.setdefault("_FillValue", array.dtype.type(FILLS[str(name)]))
    return patch.assign_coords({name: row[name] for name in ("location_id", "season", "split", *SCENE_COLUMNS)})


def _placed(patch: xr.Dataset, row: pd.Series) -> xr.Dataset:
    """Give the pixels their coordinates; a CRS of 0 stands for an unknown place."""
    if not row["epsg"]:
        return patch
    shape = (patch.sizes["y"], patch.sizes["x"])
    coordinates = xr_coords(GeoBox(shape, Affine(*row["geotransform"]), f"EPSG:{row['epsg']}"), GRID_MAPPING)
    for axis in ("x", "y"):
        coordinates[axis].attrs |= {"standard_name": f"projection_{axis}_coordinate", "axis": axis.upper()}
    placed = patch.assign_coords(coordinates)
    for array in placed.values():
        array.encoding["grid_mapping"] = GRID_MAPPING
    return placed
