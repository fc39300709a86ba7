"""Patches in the layout of DFC2020, drawn from the planet: images of one scene of each sensor, and the truth as labels.

ROIs0000_<validation or test>/<s1, s2 or dfc>_0/ROIs0000_<...>_<...>_0_p<N>.tif, 256 x 256 px, one band of labels in
the contest's codes (doi 10.21227/rha7-m332). `lc`, the MODIS land cover, is left out: nobody reads it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine

from pipeline.emulator.expert_places import ExpertPlace, choose_places, nearest_radar
from pipeline.emulator.lattice import GridWindow, Projection
from pipeline.emulator.new_folder import new_folder
from pipeline.emulator.planet import Planet
from pipeline.emulator.rendering import render
from pipeline.emulator.scene import EmulatedScene
from pipeline.emulator.scenes import scene_bands
from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.dfc2020 import DFC_FILE_CODES
from pipeline.schema.emulated import EMULATED_MARK
from pipeline.schema.grid import PixelGrid

PATCH_PX: Final = 256
NO_LABEL: Final = 0
"""Code of pixels without a class in the contest's files; here of snow, which its labels do not hold."""

NOTE: Final = """\
Emulated: {validation} validation and {test} test patches of the emulator's planet {seed}, in the layout of DFC2020.
They are no part of the contest's data and show no place on Earth.
"""

_CODES: Final = {dw_class: code for code, dw_class in DFC_FILE_CODES.items()}


@dataclass(frozen=True)
class WrittenPatch:
    """One patch that was written."""

    name: str
    """ROIs0000_<validation or test>_p<N>."""
    s2: str
    """Asset id of the Sentinel-2 scene."""
    s1: str


def write_dfc2020(
    out: Path, seed: int, validation: int, test: int, on_patch: Callable[[int, int], None] = lambda _done, _total: None
) -> list[WrittenPatch]:
    """Write patches of a planet into a new folder; the same arguments make the same bytes.

    `on_patch` is told (done, total). Raises UsageError where the folder holds something already, NoldoError where the
    planet has too few places.
    """
    planet = Planet(seed)
    written: list[WrittenPatch] = []
    with new_folder(out) as folder:
        (folder / EMULATED_MARK).write_text(NOTE.format(validation=validation, test=test, seed=seed))
        for split, count in (("validation", validation), ("test", test)):
            for number, place in enumerate(
                choose_places(planet, seed, f"dfc2020-{split}", count, PATCH_PX, all_paired=True)
            ):
                written.append(_write_patch(folder, split, number, place, planet))
                on_patch(len(written), validation + test)
    return written


def _write_patch(folder: Path, split: str, number: int, place: ExpertPlace, planet: Planet) -> WrittenPatch:
    radar = nearest_radar(planet, place)
    arrays: dict[str, NDArray[Any]] = {
        "s1": _rendered(planet, radar, S1_BANDS, place.grid).astype(np.float64),
        "s2": _rendered(planet, place.scene, S2_BANDS, place.grid).astype(np.uint16),
        "dfc": _coded(place)[None],
    }
    for role, bands in arrays.items():
        path = folder / f"ROIs0000_{split}" / f"{role}_0" / f"ROIs0000_{split}_{role}_0_p{number}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        with rasterio.open(
            path, "w", driver="GTiff", dtype=bands.dtype, count=len(bands), width=PATCH_PX, height=PATCH_PX,
            crs=f"EPSG:{place.grid.epsg}", transform=Affine(*place.grid.affine), compress="deflate",
        ) as file:  # fmt: skip
            file.write(bands)
    return WrittenPatch(f"ROIs0000_{split}_p{number}", place.scene.asset_id, radar.asset_id)


def _coded(place: ExpertPlace) -> NDArray[np.uint8]:
    table = np.full(256, NO_LABEL, np.uint8)
    for dw_class, code in _CODES.items():
        table[dw_class] = code
    return table[place.cover]


def _rendered(planet: Planet, scene: EmulatedScene, bands: Sequence[str], grid: PixelGrid) -> NDArray[Any]:
    """(band, y, x) of a scene on a grid, by nearest neighbour; 0 where the scene was masked."""
    by_name = {band.name: band for band in scene_bands(scene)}
    a, b, c, d, e, f = grid.affine
    window = GridWindow(Projection(f"EPSG:{grid.epsg}", (a, b, c, d, e, f)), grid.width_px, grid.height_px)
    pixels = render([by_name[name] for name in bands], window, planet)
    return np.stack([np.where(p.valid, p.values, 0) for p in pixels])
