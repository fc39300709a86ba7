"""SSL4EO-S12 v1.1's Zarr edition: S2L1C/*.zarr.zip and S1GRD/*.zarr.zip, 64 locations a file, Zarr v2.

Blumenstiel et al. 2025, arXiv 2503.00168; layout after github.com/DLR-MF-DAS/SSL4EO-S12-v1.1, README. Digital numbers
are int16 and bear an offset of 1000 whatever their baseline; backscatter is float16.
"""

import json
import math
from collections.abc import Container, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.storage import ZipStore

from pipeline.checks.arrival import dw_name, s1_names, s2_names, to_patch
from pipeline.importers.archives import DamagedArchiveError, ZipFolder
from pipeline.importers.imported import PATCH_SHAPE, Imported, NotImportableError, Problem, without_offset
from pipeline.importers.labels import LabelArchive
from pipeline.importers.scene_names import s1_scene, s2_scene, season_match
from pipeline.sampling.outlines import centre_of
from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.errors import SourceError, UsageError
from pipeline.schema.grid import PATCH_PX, PIXEL_M, PixelGrid
from pipeline.schema.landcover import IGNORE
from pipeline.schema.records import N_SEASONS, Location

OPTICAL: Final = "S2L1C"
RADAR: Final = "S1GRD"

CODECS: Final = frozenset({"blosc", "zstd", "zlib", "gzip", "bz2", "lzma", "lz4", "shuffle", "delta", "vlen-utf8"})
"""Codecs that hold numbers and text. Zarr v2 also knows 'pickle', which could run any program."""

MOST_BELOW_OFFSET: Final = 0.01
"""Share of the observed digital numbers that may lie below the offset they are said to bear; noise and resampling put
far fewer there, dark scenes without an offset nearly all."""

MOST_VALUES: Final = 2**31
"""Of one array; the published ones have 2.3e8."""

_ARRAYS: Final = ("bands", "sample", "file_id", "crs", "x_", "y_")


@dataclass(frozen=True)
class _File:
    """One modality of one file of locations."""

    path: Path
    ids: tuple[str, ...]
    bands: Any
    """(location, time, band, y, x), read when asked for."""
    scene_ids: NDArray[Any]
    """(location, time) system:index."""
    crs: NDArray[Any]
    x: NDArray[Any]
    y: NDArray[Any]


def zarr_zips(image_paths: tuple[Path, ...]) -> list[tuple[Path, Path]]:
    """(optical, radar) files of the folders that a user named; UsageError where there are none."""
    optical = sorted(file for path in image_paths for file in path.rglob("*.zarr.zip") if file.parent.name == OPTICAL)
    if optical:
        return [(file, file.parents[1] / RADAR / file.name) for file in optical]
    shards = [file for path in image_paths for file in path.rglob("ssl4eos12_shard_*.tar")]
    if shards:
        raise UsageError(
            f"{shards[0]} is of the WebDataset edition of SSL4EO-S12 v1.1, which does not say where its pixels lie; "
            "fetch the Zarr edition (embed2scale/SSL4EO-S12-v1.1-Zarr)"
        )
    raise UsageError(f"{image_paths[0]} holds no {OPTICAL}/*.zarr.zip; name the folder above {OPTICAL} and {RADAR}")


def holds_zarr_zips(image_paths: tuple[Path, ...]) -> bool:
    """Whether what a user named is of the Zarr edition."""
    return any(next(path.rglob("*.zarr.zip"), None) is not None for path in image_paths if path.is_dir())


def ssl4eo_zarr_locations(
    image_paths: tuple[Path, ...], labels: LabelArchive | None, done: Container[str], *, offset: int
) -> Iterator[Imported | Problem]:
    """Every location of the files that is not `done`, or what is wrong with it; with labels only those that have some.

    `offset` is taken off the digital numbers.
    """
    met: set[str] = set()
    for s2_path, s1_path in zarr_zips(image_paths):
        try:
            with _opened(s2_path, S2_BANDS) as s2, _opened(s1_path, S1_BANDS) as s1:
                for row, location_id in enumerate(s2.ids):
                    if location_id in done or (labels is not None and location_id not in labels.ids()):
                        continue
                    if location_id in met:
                        yield Problem(str(s2_path), location_id, "doubled id", "it comes again; the first was read")
                        continue
                    met.add(location_id)
                    yield _imported_or_problem(s2, s1, row, labels, offset)
        except (NotImportableError, DamagedArchiveError) as error:
            reason = error.reason if isinstance(error, NotImportableError) else "damaged archive"
            yield Problem(str(s2_path), "", reason, f"{getattr(error, 'detail', error)}; its locations are left out")


def _imported_or_problem(
    s2: _File, s1: _File, row: int, labels: LabelArchive | None, offset: int
) -> Imported | Problem:
    try:
        return _imported(s2, s1, row, labels, offset)
    except NotImportableError as error:
        return Problem(str(s2.path), s2.ids[row], error.reason, error.detail)
    except (OSError, ValueError, RuntimeError) as error:
        return Problem(str(s2.path), s2.ids[row], "damaged archive", f"its pixels do not read back ({error})")


def _imported(s2: _File, s1: _File, row: int, labels: LabelArchive | None, offset: int) -> Imported:
    location_id = s2.ids[row]
    if location_id not in s1.ids:
        raise NotImportableError("no S1 images", f"{s1.path.name} of S1 has none of it")
    radar_row = s1.ids.index(location_id)
    optical = [s2_scene(str(name), {}) for name in s2.scene_ids[row]]
    radar = [s1_scene(str(name), {}) for name in s1.scene_ids[radar_row]]
    names = [scene.index for scene in optical]
    order = list(range(N_SEASONS)) if labels is None else labels.order(location_id, names)
    dw = np.full((N_SEASONS, *PATCH_SHAPE), IGNORE, np.uint8) if labels is None else labels.read(location_id, names)
    numbers = _numbers(np.asarray(s2.bands[row]), offset)
    backscatter = np.asarray(s1.bands[radar_row]).astype(np.float32)
    arrays: dict[str, NDArray[np.generic]] = {}
    for season, at in enumerate(order):
        arrays.update(zip(s2_names(season), numbers[at], strict=True))
        arrays.update(zip(s1_names(season), backscatter[at], strict=True))
        arrays[dw_name(season)] = dw[at]
    grid = _grid(s2, row)
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


def _numbers(values: NDArray[np.int16], offset: int) -> NDArray[np.uint16]:
    """(4, 13, 264, 264) digital numbers without the offset."""
    if int(values.min()) < 0:
        raise NotImportableError("bad values", f"its digital numbers go down to {values.min()}")
    below = int(np.count_nonzero((values > 0) & (values < offset))) / max(int(np.count_nonzero(values)), 1)
    if below > MOST_BELOW_OFFSET:
        raise NotImportableError(
            "no offset",
            f"{below:.0%} of its digital numbers lie below {offset}; --offset 0 reads an edition without it",
        )
    return without_offset(values.astype(np.uint16), offset)


def _grid(file: _File, row: int) -> PixelGrid:
    """The grid of a location: its coordinates are the pixels' centres or, where they lie on it, their corners."""
    epsg, x, y = int(file.crs[row]), np.asarray(file.x[row]), np.asarray(file.y[row])
    zoned = 32601 <= epsg <= 32660 or 32701 <= epsg <= 32760
    if not zoned or not np.allclose(np.diff(x), PIXEL_M) or not np.allclose(np.diff(y), -PIXEL_M):
        raise NotImportableError("no position", f"its coordinates are no north-up squares of {PIXEL_M:g} m in UTM")
    on_edge = float(x[0]) % PIXEL_M == 0 and float(y[0]) % PIXEL_M == 0
    half = 0.0 if on_edge else PIXEL_M / 2
    return PixelGrid(epsg, float(x[0]) - half, float(y[0]) + half, PATCH_PX, PATCH_PX)


@contextmanager
def _opened(path: Path, bands: tuple[str, ...]) -> Iterator[_File]:
    """One zip, its form checked before any of it is decoded; NotImportableError where it is another."""
    if not path.is_file():
        raise NotImportableError("no S1 images", f"{path} is not there")
    with ExitStack() as stack:
        with ZipFolder(path) as checked:
            names = set(checked.names())
            for name in _ARRAYS:
                if f"{name}/.zarray" not in names:
                    raise NotImportableError("missing array", f"{path} has no array '{name}'")
                _check_form(checked.read(f"{name}/.zarray"), f"{path}, array '{name}'")
        try:
            store = ZipStore(path, mode="r")
            stack.callback(store.close)
            arrays = _arrays(store, path, len(bands))
            whole = {name: np.asarray(arrays[name][...]) for name in _ARRAYS if name != "bands"}
            # Chunks of several locations would be decoded again for each.
            pixels = arrays["bands"] if arrays["bands"].chunks[0] == 1 else np.asarray(arrays["bands"][...])
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise NotImportableError("damaged archive", f"{path} does not read back ({error})") from error
        ids = tuple(str(sample) for sample in whole["sample"])
        yield _File(path, ids, pixels, whole["file_id"], whole["crs"], whole["x_"], whole["y_"])


def _arrays(store: ZipStore, path: Path, n_bands: int) -> dict[str, Any]:
    """The arrays by name, none of them decoded; NotImportableError where one has another shape."""
    # Consolidated metadata may differ from what was checked.
    group: Any = zarr.open_group(store, mode="r", zarr_format=2, use_consolidated=False)
    arrays = {name: group[name] for name in _ARRAYS}
    rows = next(iter(arrays["sample"].shape), 0)
    shapes = {"sample": (rows,), "file_id": (rows, N_SEASONS), "crs": (rows,), "x_": (rows, PATCH_PX)}
    shapes |= {"y_": (rows, PATCH_PX), "bands": (rows, N_SEASONS, n_bands, *PATCH_SHAPE)}
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            found = arrays[name].shape
            raise NotImportableError("wrong shape", f"{path}: array '{name}' is {found}, expected {shape}")
    return arrays


def _check_form(data: bytes, where: str) -> None:
    """NotImportableError where an array's metadata are none, or speak of a size or codec that is not read."""
    try:
        about = json.loads(data)
        values = math.prod(about.get("shape", ()))
        codecs = [codec.get("id") for codec in (about.get("compressor"), *(about.get("filters") or ())) if codec]
        strange = [codec for codec in codecs if codec not in CODECS]
    except (ValueError, AttributeError, TypeError) as error:
        raise NotImportableError("damaged archive", f"{where}: its .zarray does not read back ({error})") from error
    if values > MOST_VALUES:
        raise NotImportableError("wrong shape", f"{where} has the shape {about['shape']}")
    if strange:
        raise NotImportableError("unsafe codec", f"{where} is packed with '{strange[0]}', which is not read")
