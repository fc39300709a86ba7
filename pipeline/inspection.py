"""What a person decided about tiles: a list of those to drop, and rasters with corrected labels."""

import hashlib
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.landcover import IGNORE, OSM_ADMITS
from pipeline.schema.strict import Strict

ENDINGS: Final = (".tif", ".tiff")

GRID_TOLERANCE_M: Final = 1e-3
"""Corners of a corrected raster may be written with so much rounding."""


class InspectionSettings(Strict):
    """What a look at the tiles decided."""

    drop: Path | None = None
    """A text file of tile ids to leave out, one a line; what follows the id on the line is the reason. '#' comments."""
    corrected: Path | None = None
    """A folder of <tile id>.tif with OSM classes 1..13 on the tile's own grid, 0 or 255 for no label; they replace the
    labels of the source."""


@dataclass(frozen=True)
class Inspection:
    """The same, found on disk."""

    dropped: Mapping[str, str] = field(default_factory=dict)
    """Reason by tile id."""
    list_sha256: str = ""
    """Of the list of tiles to drop, hexadecimal; empty where there is none."""
    corrected: Mapping[str, Path] = field(default_factory=dict)
    """Raster by tile id."""
    corrected_sha256: Mapping[str, str] = field(default_factory=dict)
    """Of each raster, hexadecimal."""

    def of_tiles(self, tile_ids: Collection[str]) -> list[tuple[str, str | None, str | None]]:
        """What of it concerns these tiles: id, reason to drop, SHA-256 of the corrected raster; as plain data."""
        touched = sorted(set(tile_ids) & (self.dropped.keys() | self.corrected.keys()))
        return [(tile_id, self.dropped.get(tile_id), self.corrected_sha256.get(tile_id)) for tile_id in touched]


def read_inspection(settings: InspectionSettings, known: Collection[str]) -> Inspection:
    """Read the list and list the rasters.

    Raises UsageError for a tile that is not among `known`, a tile listed twice, or files that cannot be read.
    """
    dropped: dict[str, str] = {}
    digest = ""
    if settings.drop is not None:
        data = _read(settings.drop, "inspection.drop")
        digest = hashlib.sha256(data).hexdigest()
        dropped = _parse_list(settings.drop, data)
    rasters = _rasters(settings.corrected) if settings.corrected is not None else {}
    for where, named in ((settings.drop, dropped.keys()), (settings.corrected, rasters.keys())):
        strangers = sorted(set(named) - set(known))
        if strangers:
            more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
            raise UsageError(f"{where} names {strangers[0]}{more}, which is no tile of this set; correct or remove it")
    sums = {
        tile_id: hashlib.sha256(_read(path, "inspection.corrected")).hexdigest() for tile_id, path in rasters.items()
    }
    return Inspection(dropped, digest, rasters, sums)


def read_corrected(path: Path, grid: PixelGrid) -> NDArray[np.uint8]:
    """The corrected labels of one tile, (height, width) of OSM class 1..13 or IGNORE.

    Raises UsageError where the raster is not on the tile's own grid, or holds other codes: labels are never resampled.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # told below, as another grid
            opened = rasterio.open(path)
        with opened as raster:
            found = PixelGrid(
                epsg=raster.crs.to_epsg() if raster.crs else 0,
                left_m=raster.transform.c,
                top_m=raster.transform.f,
                width_px=raster.width,
                height_px=raster.height,
                pixel_m=raster.transform.a,
            )
            if raster.count != 1 or not _same_grid(found, grid) or not _north_up(raster.transform):
                raise UsageError(
                    f"{path} has {raster.count} band(s) on {_words(found)}; the tile is on {_words(grid)}. "
                    "Save it on the tile's own grid"
                )
            codes = raster.read(1)
    except (RasterioError, OSError) as error:
        raise UsageError(
            f"{path} cannot be read as a raster ({str(error).splitlines()[0]}); save it as GeoTIFF"
        ) from error
    strange = np.setdiff1d(codes, [0, IGNORE, *OSM_ADMITS])
    if strange.size:
        raise UsageError(
            f"{path} holds the value {strange[0]}; OSM classes are 1..{len(OSM_ADMITS)}, and 0 or {IGNORE} no label"
        )
    return np.where(codes == 0, IGNORE, codes).astype(np.uint8)


def _parse_list(path: Path, data: bytes) -> dict[str, str]:
    dropped: dict[str, str] = {}
    for number, line in enumerate(data.decode(errors="replace").splitlines(), 1):
        words = line.partition("#")[0].replace(",", " ", 1).split(maxsplit=1)
        if not words:
            continue
        if words[0] in dropped:
            raise UsageError(f"{path} line {number} names {words[0]} a second time; remove one of the two")
        dropped[words[0]] = words[1].strip() if len(words) > 1 else ""
    return dropped


def _rasters(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise UsageError(f"inspection.corrected: {folder} is no folder; correct the path")
    found: dict[str, Path] = {}
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in ENDINGS):
        if path.stem in found:
            raise UsageError(f"{folder} holds {found[path.stem].name} and {path.name}; keep one of the two")
        found[path.stem] = path
    return found


def _read(path: Path, key: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{key}: cannot read {path}: {error.strerror}; correct the path") from error


def _same_grid(found: PixelGrid, wanted: PixelGrid) -> bool:
    near = max(abs(a - b) for a, b in zip(found.affine, wanted.affine, strict=True)) <= GRID_TOLERANCE_M
    sizes = (found.epsg, found.width_px, found.height_px) == (wanted.epsg, wanted.width_px, wanted.height_px)
    return near and sizes


def _north_up(transform: Affine) -> bool:
    return bool(transform.b == transform.d == 0 and abs(transform.e + transform.a) <= GRID_TOLERANCE_M)


def _words(grid: PixelGrid) -> str:
    return (
        f"{grid.width_px} x {grid.height_px} pixels of {grid.pixel_m:g} m in EPSG:{grid.epsg} "
        f"from {grid.left_m:.0f} E {grid.top_m:.0f} N"
    )
