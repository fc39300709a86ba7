"""Miniatures of the published sets, written from what the small build has staged: the same pixels, another layout."""

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from numpy.typing import NDArray
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from pipeline.parts import read_part
from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import ExportRecord, Location, Patch, SeasonMatch
from pipeline.staging import read_tiles

Files = dict[str, bytes]
"""By path within an archive or folder."""


@dataclass(frozen=True)
class Staged:
    """One location of the small build."""

    location: Location
    matches: tuple[SeasonMatch, ...]
    patch: Patch

    @property
    def scenes(self) -> list[str]:
        return [name_of(match.s2_id) for match in self.matches]

    def in_time(self) -> list[int]:
        """Its seasons, the earliest first."""
        return sorted(range(4), key=lambda season: self.matches[season].s2_time)  # type: ignore[arg-type,return-value]


def name_of(asset_id: str | None) -> str:
    assert asset_id is not None
    return asset_id.rpartition("/")[2]


@pytest.fixture(scope="session")
def staged(small_run: tuple[Path, Any]) -> list[Staged]:
    """Every location whose pixels the small build has."""
    run, found = RunLayout(small_run[0]), []
    for part in range(3):
        places = {place.location_id: place for place in read_part(run.table("sample", part), Location)}
        matches = read_part(run.table("match", part), SeasonMatch)
        for record in read_part(run.table("export", part), ExportRecord):
            own = tuple(match for match in matches if match.location_id == record.location_id)
            (patch,) = read_tiles(run.tile(part), [record.tile_row])
            found.append(Staged(places[record.location_id], own, patch))
    return found


def tif(values: NDArray[Any], staged: Staged, *, degrees: bool = True) -> bytes:
    """A band as SSL4EO-S12's download code saves it: in degrees, the area's outline moved by half a pixel."""
    grid, (height, width) = staged.location.grid, values.shape
    crs, transform = f"EPSG:{grid.epsg}", Affine(*grid.affine)
    if degrees:
        west, south, east, north = grid.footprint_lonlat().bounds
        x, y = (east - west) / width, (north - south) / height
        crs, transform = "+proj=latlong", Affine(x, 0, west - x / 2, 0, -y, north + y / 2)
    about = {"driver": "GTiff", "width": width, "height": height, "count": 1, "dtype": values.dtype}
    with MemoryFile() as memory:
        with memory.open(**about, crs=crs, transform=transform) as file:
            file.write(values, 1)
        return bytes(memory.read())


def v1_files(staged: Staged, *, metadata: bool = True, degrees: bool = True) -> tuple[Files, Files]:
    """(s2c, s1): every file of a location, by its path under the sensor's folder."""
    s2: Files = {}
    s1: Files = {}
    for season, match in enumerate(staged.matches):
        for files, asset_id, bands, pixels in (
            (s2, match.s2_id, S2_BANDS, staged.patch.s2[season]),
            (s1, match.s1_id, S1_BANDS, staged.patch.s1[season]),
        ):
            folder = f"{staged.location.location_id}/{name_of(asset_id)}"
            for band, values in zip(bands, pixels, strict=True):
                files[f"{folder}/{band}.tif"] = tif(values, staged, degrees=degrees)
            if metadata:
                files[f"{folder}/metadata.json"] = json.dumps(properties(match, asset_id)).encode()
    return s2, s1


def properties(match: SeasonMatch, asset_id: str | None) -> Mapping[str, Any]:
    """What the download code saves beside the bands: every property of the Earth Engine image."""
    assert match.s2_time is not None
    assert match.s1_time is not None
    if asset_id == match.s1_id:
        return {
            "system:index": name_of(asset_id),
            "system:time_start": round(match.s1_time.timestamp() * 1000),
            "orbitProperties_pass": match.s1_orbit_pass,
            "relativeOrbitNumber_start": match.s1_relative_orbit,
        }
    return {
        "system:index": name_of(asset_id),
        "system:id": f"COPERNICUS/S2/{name_of(asset_id)}",
        "system:time_start": round(match.s2_time.timestamp() * 1000),
        "CLOUDY_PIXEL_PERCENTAGE": match.s2_cloud_pct,
        "PROCESSING_BASELINE": match.s2_baseline,
        "MGRS_TILE": match.s2_tile,
        "SENSING_ORBIT_NUMBER": match.s2_relative_orbit,
        "SPACECRAFT_NAME": match.s2_platform,
    }


def label_files(staged: list[Staged], *, listed: bool = True) -> Files:
    """The content of ssl4eo_s12_nol.zip."""
    files = {
        f"ssl4eo_s12_nol/{one.location.location_id}/{scene}/label.tif": tif(labels, one)
        for one in staged
        for scene, labels in zip(one.scenes, one.patch.dw, strict=True)
    }
    lines = ["ids,sub1,sub2,sub3,sub4", *(f"{int(s.location.location_id)},{','.join(s.scenes)}" for s in staged)]
    return {"ssl4eo_s12_nol/dw_complete_ids.csv": "\n".join(lines).encode(), **files} if listed else files


def write_zip(path: Path, files: Files) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write_tar(path: Path, files: Files) -> Path:
    how: dict[str, Any] = {"mode": "w:gz", "compresslevel": 1} if path.suffix == ".gz" else {"mode": "w"}
    with tarfile.open(path, **how) as tar:
        for name, data in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            tar.addfile(about, io.BytesIO(data))
    return path


def write_folder(path: Path, files: Files) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


@pytest.fixture(scope="session")
def published(staged: list[Staged], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with SSL4EO-S12 v1 of the small build's locations, s1/ and s2c/, and labels.zip."""
    folder = tmp_path_factory.mktemp("published")
    for one in staged:
        s2, s1 = v1_files(one)
        write_folder(folder / "s2c", s2)
        write_folder(folder / "s1", s1)
    write_zip(folder / "labels.zip", label_files(staged))
    return folder


def zarr_zip(path: Path, staged: list[Staged], *, radar: bool, offset: int = 1000) -> Path:
    """One file of SSL4EO-S12 v1.1's Zarr edition, seasons in order of time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bands = S1_BANDS if radar else S2_BANDS
    store = zarr.storage.ZipStore(path, mode="w")
    group: Any = zarr.create_group(store, zarr_format=2)

    def put(name: str, values: NDArray[Any], chunks: tuple[int, ...] | None = None) -> None:
        group.create_array(name, data=values, chunks=chunks or values.shape)

    pixels = []
    for one in staged:
        order = one.in_time()
        if radar:
            pixels.append(one.patch.s1[order].astype(np.float16))
        else:
            numbers = one.patch.s2[order].astype(np.int16)
            pixels.append(np.where(numbers == 0, 0, numbers + offset).astype(np.int16))
    put("bands", np.stack(pixels), chunks=(len(staged), 1, len(bands), 264, 264))
    put("sample", np.array([one.location.location_id for one in staged]))
    ids = [[name_of(getattr(one.matches[s], "s1_id" if radar else "s2_id")) for s in one.in_time()] for one in staged]
    put("file_id", np.array(ids))
    put("crs", np.array([one.location.grid.epsg for one in staged]))
    centres = [one.location.grid.centres_m() for one in staged]
    put("x_", np.array([x for x, _ in centres]))
    put("y_", np.array([y for _, y in centres]))
    store.close()
    return path


class Miniatures:
    """The writers above, for tests that want something else than `published`."""

    tif = staticmethod(tif)
    v1_files = staticmethod(v1_files)
    label_files = staticmethod(label_files)
    zip = staticmethod(write_zip)
    tar = staticmethod(write_tar)
    folder = staticmethod(write_folder)
    zarr_zip = staticmethod(zarr_zip)


@pytest.fixture(scope="session")
def miniatures() -> type[Miniatures]:
    """How to write other miniatures than `published`."""
    return Miniatures
