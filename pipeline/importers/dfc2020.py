"""DFC2020 as IEEE DataPort publishes it (doi 10.21227/rha7-m332): ROIs0000_<split>_<s1, s2, lc or dfc>_0_p<N>.tif.

The files may lie in folders of any name (ROIs0000_validation/s1_0, or validation/s1_validation). `lc`, the MODIS land
cover of lower resolution, is not read. S1 is float64 in dB and is kept as float32. As in CromSS, the validation
patches are the training split, the test patches the test split.
"""

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.importers.tile_layout import Placed, TileLayout, recoded
from pipeline.importers.tile_raster import BadTileError, TileRaster
from pipeline.manifest.tile_sets import DFC_SET
from pipeline.schema.dfc2020 import DFC_FILE_CODES
from pipeline.schema.landcover import IGNORE

PATCHES: Final = {"train": 986, "test": 5128}
"""In the whole published set."""

_NAME: Final = re.compile(r"(?:.*/)?(ROIs0000_(validation|test))_(s1|s2|dfc)_0_(p\d+)\.tif")


def _place(path: str) -> Placed | None:
    found = _NAME.fullmatch(path)
    if found is None:
        return None
    return Placed("test" if found[2] == "test" else "train", f"{found[1]}_{found[4]}", found[3])


def _classes(raster: TileRaster, name: str) -> NDArray[np.uint8]:
    if raster.bands.shape[0] != 1:
        raise BadTileError("wrong bands", f"{name} has {raster.bands.shape[0]} bands, expected 1")
    return recoded(raster.bands[0], {0: IGNORE, **DFC_FILE_CODES}, name)


DFC2020: Final = TileLayout(
    name="dfc2020",
    store="dfc2020",
    about=DFC_SET,
    labels=("dfc",),
    place=_place,
    classes={"dfc": _classes},
    sides=frozenset({256}),
    example="ROIs0000_validation_s1_0_p0.tif, ..._s2_0_p0.tif and ..._dfc_0_p0.tif",
)
