"""The downstream zips of NoLDO-S12, ssl4eo_s12_dw.zip and ssl4eo_s12_osm.zip.

The layout is the one that CromSS's own scripts read (data_prepare/data_check_SSL4EO/construct_dw_osm_lmdb):
<dw or osm>_<train or test>/{image_s1,image_s2,label_dw,label_osm}/{s1,s2,dw,osm}_<lon>_<lat>-YYYYMMDD.tif, where
'p' may stand for the decimal point. Which folders lie above these does not matter. Values: `dw` 0 unmarked, 1..9
classes, 10 cloud; `osm` 0 no label, 1..13 classes. The images are raw: S2 in digital numbers, S1 in dB.
"""

import re
from pathlib import PurePosixPath
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.importers.tile_layout import Placed, TileLayout, recoded
from pipeline.importers.tile_raster import TileRaster
from pipeline.manifest.tile_sets import DW_SET, OSM_SET
from pipeline.schema.landcover import IGNORE, N_DW_CLASSES, OSM_CLASSES

_FILE: Final = re.compile(r"(?:label_)?(s1|s2|dw|osm)_(-?\d+(?:[.p]\d+)?_-?\d+(?:[.p]\d+)?-\d{8})\.tiff?")
_SPLIT: Final = re.compile(r"(?:(dw|osm)_)?(train|test)(?:[_-]\w+)?")

_DW_CODES: Final = {0: IGNORE, 10: IGNORE, **{code: code - 1 for code in range(1, N_DW_CLASSES + 1)}}
_OSM_CODES: Final = {0: IGNORE, **{c.code: c.code for c in OSM_CLASSES}}

EXPERT_BAND: Final = "lulc"
"""The experts' band in label files of two bands, as the hold-out tiles have; unnamed, it is the second."""


def _placed(path: str, which: str) -> Placed | None:
    parts = PurePosixPath(path)
    file = _FILE.fullmatch(parts.name)
    folders = [found for part in parts.parts[:-1] if (found := _SPLIT.fullmatch(part))]
    if file is None or not folders or folders[-1][1] not in (None, which):
        return None
    # The id of the expert tile, as in a build of the same tile.
    return Placed("test" if folders[-1][2] == "test" else "train", f"dw_{file[2]}", file[1])


def _dw_place(path: str) -> Placed | None:
    placed = _placed(path, "dw")
    return None if placed is None or placed.role == "osm" else placed


def _osm_place(path: str) -> Placed | None:
    return _placed(path, "osm")


def _dw_classes(raster: TileRaster, name: str) -> NDArray[np.uint8]:
    bands = raster.bands
    band = raster.names.index(EXPERT_BAND) if EXPERT_BAND in raster.names else min(1, len(bands) - 1)
    return recoded(bands[band], _DW_CODES, name)


def _osm_classes(raster: TileRaster, name: str) -> NDArray[np.uint8]:
    return recoded(raster.bands[0], _OSM_CODES, name)


_SIDES: Final = frozenset({510, 512})

NOLDO_DW: Final = TileLayout(
    name="noldo-dw",
    store="dw",
    about=DW_SET,
    labels=("dw",),
    place=_dw_place,
    classes={"dw": _dw_classes},
    sides=_SIDES,
    example="dw_train/image_s1/s1_<lon>_<lat>-<date>.tif, image_s2/s2_... and label_dw/dw_...",
)

NOLDO_OSM: Final = TileLayout(
    name="noldo-osm",
    store="osm",
    about=OSM_SET,
    labels=("dw", "osm"),
    place=_osm_place,
    classes={"dw": _dw_classes, "osm": _osm_classes},
    sides=_SIDES,
    example="osm_train/image_s1/s1_<lon>_<lat>-<date>.tif, image_s2/s2_... and label_osm/osm_...",
    optional=frozenset({"dw"}),
    # The script that made them warped to the tile's grid and then wrote the map service's coordinate system.
    misplaced=frozenset({"osm"}),
)
