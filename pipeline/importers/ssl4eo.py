"""SSL4EO-S12 v1 as it was published: s1 and s2c, each <id>/<scene>/<band>.tif with metadata.json, in tars or unpacked.

Wang et al. 2023, doi 10.1109/MGRS.2023.3281651; layout after github.com/zhu-xlab/SSL4EO-S12, src/download_data.
"""

import json
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.checks.arrival import dw_name, s1_names, s2_names, to_patch
from pipeline.importers.archives import is_archive
from pipeline.importers.geotiff import NATIVE_PX, Raster, centre_lonlat, grid_of, read_raster, to_patch_size
from pipeline.importers.imported import (
    PATCH_SHAPE,
    Imported,
    NotImportableError,
    Problem,
    offset_of,
    without_offset,
)
from pipeline.importers.labels import LabelArchive
from pipeline.importers.location_files import LocationFiles, location_files, paired
from pipeline.importers.scene_names import Scene, baseline_of, s1_scene, s2_scene, season_match, zone_of
from pipeline.importers.split_file import is_later_piece
from pipeline.sampling.outlines import centre_of
from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.errors import SourceError, UsageError
from pipeline.schema.grid import PATCH_PX
from pipeline.schema.landcover import IGNORE
from pipeline.schema.records import N_SEASONS, Location

POSITION_BAND: Final = "B2"
"""A band of 10 m, whose file says where the patch lies."""

_IGNORED: Final = ("s2a", "s2_l2a")


def sources_of(image_paths: tuple[Path, ...]) -> list[Path]:
    """The archives and folders that hold locations, of what a user named; UsageError where there are none.

    Each is an archive, a folder of locations, or a folder of such archives and folders.
    """
    found: list[Path] = []
    for path in image_paths:
        if is_archive(path):
            found.append(path)
        elif path.is_dir():
            found += _within(path)
        else:
            raise UsageError(f"{path} is neither a folder nor a .tar, .tar.gz or .zip file; correct the path")
    if not found:
        raise UsageError(f"{image_paths[0]} holds neither folders s1 and s2c nor archives of them; name what does")
    return found


def ssl4eo_locations(
    image_paths: tuple[Path, ...], labels: LabelArchive | None, done: Container[str], spool: Path, *, nearest: bool
) -> Iterator[Imported | Problem]:
    """Every location of the archives and folders that is not `done`, as it comes by, or what is wrong with it.

    With labels only the locations that have some, else all, without a label. Bands of 20 and 60 m that were saved as
    such are brought onto the 10 m grid bilinearly or, where that is wished, by the `nearest` pixel.
    """
    labelled = None if labels is None else labels.ids()
    streams = [
        location_files(source, lambda i: i not in done and (labelled is None or i in labelled))
        for source in sources_of(image_paths)
    ]
    for pair in paired(streams, spool):
        if isinstance(pair, Problem):
            yield pair
            continue
        s2, s1 = pair
        try:
            yield _imported(s2, s1, labels, nearest=nearest)
        except NotImportableError as error:
            yield Problem(s2.where, s2.location_id, error.reason, error.detail)


def _within(folder: Path) -> list[Path]:
    inside = sorted(folder.iterdir())
    archives = [path for path in inside if is_archive(path) and not is_later_piece(path)]
    sensors = [path for path in inside if path.is_dir() and path.name.startswith(("s1", "s2"))]
    if sensors or archives:
        return archives + [p for path in sensors if path.name not in _IGNORED for p in _within(path)]
    return [folder] if any(path.is_dir() for path in inside) else []


def _imported(s2: LocationFiles, s1: LocationFiles, labels: LabelArchive | None, *, nearest: bool) -> Imported:
    location_id = s2.location_id
    optical = _in_time([s2_scene(name, _properties(files, name)) for name, files in s2.products.items()], "S2")
    radar = _in_time([s1_scene(name, _properties(files, name)) for name, files in s1.products.items()], "S1")
    names = [scene.index for scene in optical]
    arrays: dict[str, NDArray[np.generic]] = {}
    order = list(range(N_SEASONS)) if labels is None else labels.order(location_id, names)
    dw = None if labels is None else labels.read(location_id, names)
    position: Raster | None = None
    for season, at in enumerate(order):
        bands = {band: _band(s2.products[names[at]], band, names[at], NATIVE_PX) for band in S2_BANDS}
        position = position or bands[POSITION_BAND]
        offset = _offset(optical[at])
        for name, band in zip(s2_names(season), S2_BANDS, strict=True):
            numbers = _numbers(bands[band].values, f"{names[at]}/{band}.tif")
            arrays[name] = without_offset(to_patch_size(numbers, nearest=nearest), offset)
        for name, band in zip(s1_names(season), S1_BANDS, strict=True):
            arrays[name] = _backscatter(_band(s1.products[radar[at].index], band, radar[at].index, (PATCH_PX,)))
        arrays[dw_name(season)] = np.full(PATCH_SHAPE, IGNORE, np.uint8) if dw is None else dw[at]
    assert position is not None
    centre = centre_lonlat(position)
    grid = grid_of(position, None if centre is None else zone_of(optical, *centre))
    lon, lat = centre_of(grid.footprint_lonlat())
    try:
        patch = to_patch(location_id, arrays, PATCH_SHAPE)
    except SourceError as error:
        raise NotImportableError("bad values", str(error)) from error
    matches = tuple(
        season_match(location_id, season, optical[at], radar[at], labelled=labels is not None)
        for season, at in enumerate(order)
    )
    return Imported(Location(location_id, lon, lat, grid), matches, patch)


def _in_time(scenes: list[Scene], sensor: str) -> list[Scene]:
    if len(scenes) != N_SEASONS:
        raise NotImportableError("not four seasons", f"it has {len(scenes)} scenes of {sensor}")
    return sorted(scenes, key=lambda scene: (scene.time, scene.index))


def _properties(files: Mapping[str, bytes], scene: str) -> dict[str, object]:
    if "metadata.json" not in files:
        return {}
    try:
        plain = json.loads(files["metadata.json"])
    except ValueError as error:
        raise NotImportableError("unreadable file", f"{scene}/metadata.json: {error}") from error
    return plain if isinstance(plain, dict) else {}


def _offset(scene: Scene) -> int:
    """What scenes out of COPERNICUS/S2 bear since baseline 04.00; those of S2_HARMONIZED do not."""
    harmonised = "HARMONIZED" in str(scene.properties.get("system:id", ""))
    return 0 if harmonised else offset_of(baseline_of(scene))


def _band(files: Mapping[str, bytes], band: str, scene: str, sides: tuple[int, ...]) -> Raster:
    data = files.get(f"{band}.tif")
    if data is None:
        raise NotImportableError("missing band", f"{scene}/{band}.tif is not there")
    return read_raster(data, f"{scene}/{band}.tif", sides)


def _numbers(values: NDArray[np.generic], name: str) -> NDArray[np.uint16]:
    if values.dtype.name not in ("uint16", "int16"):
        raise NotImportableError(
            "wrong type", f"{name} holds {values.dtype}, expected uint16 digital numbers (uint8 is scaled already)"
        )
    if values.dtype.name == "int16" and int(values.min()) < 0:
        raise NotImportableError("bad values", f"{name} holds digital numbers below 0")
    return values.astype(np.uint16)


def _backscatter(raster: Raster) -> NDArray[np.float32]:
    if raster.values.dtype.kind != "f":
        raise NotImportableError("wrong type", f"radar is {raster.values.dtype}, expected floating point in dB")
    return raster.values.astype(np.float32)
