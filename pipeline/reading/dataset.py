"""A whole store with what the index says of its rows."""

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.reading.arrays import open_arrays, row_dimension
from pipeline.reading.index import PLACE_COLUMNS, SCENE_COLUMNS, folder_of, one_store, read_index
from pipeline.schema.errors import NoldoError
from pipeline.schema.paths import AnyPath


def open_dataset(root: str | AnyPath, store: str | None = None) -> xr.Dataset:
    """Open a store of the data set in the folder `root`, the one that holds `manifest` and `store`.

    `root` may be a URL, s3://BUCKET/FOLDER; `store` names one of several, for example 'dw_train'. No pixel is read
    before it is asked for, and values are as stored: labels uint8, 255 where there is none.

    Dimensions: location, season, s2_band or s1_band, y, x of a pretraining store; tile, s2_band or s1_band, y, x of a
    downstream store. Coordinates: the bands by name; location_id, split, epsg and geotransform by row, the first of
    them selectable (`.sel(location_id=...)`); scene ids, times (UTC), clouds and label shares by row and season. Text
    that the index lacks is empty, a time NaT. geotransform is (a, b, c, d, e, f): x = a*col + b*row + c and
    y = d*col + e*row + f at the corner of a pixel, metres in the row's epsg. Rows lie in many UTM zones, so y and x
    have no coordinates here; `open_patch` gives them to one row.

    Raises UsageError where there is no index or no such store, NoldoError where one of them cannot be read or the
    index does not describe every row.
    """
    folder = folder_of(root)
    index = read_index(folder)
    path = one_store(folder, index, store)
    arrays = open_arrays(folder / path)
    rows = index[index["store"] == path].sort_values(["row", "season"])
    return _with_index(arrays, rows, folder / path)


def _with_index(arrays: xr.Dataset, rows: pd.DataFrame, store: AnyPath) -> xr.Dataset:
    dimension = row_dimension(arrays)
    n, seasons = arrays.sizes[dimension], arrays.sizes.get("season", 1)
    expected = np.repeat(np.arange(n), seasons), np.tile(np.arange(seasons), n)
    if not (np.array_equal(rows["row"], expected[0]) and np.array_equal(rows["season"], expected[1])):
        raise NoldoError(
            f"{store} has {n} rows of {seasons} season(s), but the index describes {len(rows)} in another way\n"
            f"noldo manifest verify says which; copy index and store from the same release."
        )
    first = rows.iloc[::seasons]
    by_row = {name: (dimension, first[name].to_numpy()) for name in ("location_id", *PLACE_COLUMNS[:-1])}
    geotransforms = np.array(first["geotransform"].tolist(), np.float64).reshape(n, 6)
    placed = arrays.assign_coords(by_row).assign_coords(geotransform=((dimension, "coefficient"), geotransforms))
    shape, dimensions = ((n, seasons), (dimension, "season")) if "season" in arrays.dims else ((n,), (dimension,))
    by_season = {name: (dimensions, rows[name].to_numpy().reshape(shape)) for name in SCENE_COLUMNS}
    season = {"season": np.arange(seasons)} if "season" in arrays.dims else {}
    return placed.assign_coords(by_season).assign_coords(season).set_xindex("location_id")
