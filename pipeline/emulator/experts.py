"""Expert-labelled tiles in the published layouts, drawn from the planet's truth at the time of its own scenes.

Training: Experts/<EH or WH>/<biome>/dw_<lon>_<lat>-YYYYMMDD.tif, one band (PANGAEA 933475). Hold-out:
dw_test/dw_release_labels/label_dw_<lon>_<lat>-YYYYMMDD.tif with 'p' for the decimal point, the bands 'label' of the
model and 'lulc' of the experts, and dw_test/meta.csv with the scene of each (Zenodo 4766508).
"""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import rasterio
from rasterio.transform import Affine

from pipeline.emulator.expert_hand import agreed, drawn, modelled
from pipeline.emulator.expert_places import ExpertPlace, Lack, choose_places
from pipeline.emulator.new_folder import new_folder
from pipeline.emulator.noise import key
from pipeline.emulator.planet import Planet
from pipeline.emulator.truth import BARE, SHRUB, Classes
from pipeline.schema.tiles import EXPERT_PX, Split

README: Final = "README.txt"
TEST_FOLDER: Final = "dw_test"

NOTE: Final = """\
Emulated: {train} training and {test} hold-out tiles of the emulator's planet {seed}. No expert has drawn them, and
they show no place on Earth. Values of the experts' band: 0 unmarked, 1..9 Dynamic World's classes, 10 cloud.
"""


@dataclass(frozen=True)
class WrittenTile:
    """One tile that was written."""

    file: str
    """Path in the folder, with forward slashes."""
    split: Split
    epsg: int
    lacks: Lack
    """The sensor that has no scene about its day, on purpose; empty where both have."""


def write_experts(
    out: Path, seed: int, train: int, test: int, on_tile: Callable[[int, int], None] = lambda _done, _total: None
) -> list[WrittenTile]:
    """Write expert tiles of a planet into a new folder; the same arguments make the same bytes.

    `on_tile` is told (done, total). Raises UsageError where the folder holds something already, NoldoError where the
    planet has too few places.
    """
    planet = Planet(seed)
    with new_folder(out) as folder:
        (folder / README).write_text(NOTE.format(train=train, test=test, seed=seed))
        written = _write_split(planet, folder, "train", train, lambda done: on_tile(done, train + test))
        written += _write_split(planet, folder, "test", test, lambda done: on_tile(train + done, train + test))
    return written


def _write_split(
    planet: Planet, folder: Path, split: Split, count: int, on_tile: Callable[[int], None]
) -> list[WrittenTile]:
    written, scenes = [], []
    for number, place in enumerate(choose_places(planet, planet.seed, split, count, EXPERT_PX[split])):
        hand = key(planet.seed, "expert-hand", split, number)
        clouded = planet.clouded(place.scene, place.grid)
        file = _training_file(place) if split == "train" else _hold_out_file(place)
        if split == "train":
            bands = {"": drawn(hand, place.cover, clouded, place.grid)}
        else:
            bands = {
                "label": modelled(hand, place.cover, place.grid),
                "lulc": agreed(hand, place.cover, clouded, place.grid),
            }
        _write_tile(folder / file, bands, place)
        written.append(WrittenTile(file, split, place.grid.epsg, place.lacks))
        scenes.append(place.scene.index)
        on_tile(number + 1)
    if split == "test":
        _write_meta(folder / TEST_FOLDER / "meta.csv", written, scenes)
    return written


def _training_file(place: ExpertPlace) -> str:
    side = "EH" if place.lon_deg >= 0 else "WH"
    return f"Experts/{side}/{_biome(place)}/dw_{place.lon_deg:.10f}_{place.lat_deg:.10f}-{place.day:%Y%m%d}.tif"


def _hold_out_file(place: ExpertPlace) -> str:
    where = f"{place.lon_deg:.10f}_{place.lat_deg:.10f}".replace(".", "p")
    return f"{TEST_FOLDER}/dw_release_labels/label_dw_{where}-{place.day:%Y%m%d}.tif"


def _biome(place: ExpertPlace) -> int:
    """A biome of the RESOLVE ecoregions (Dinerstein et al. 2017, doi 10.1093/biosci/bix014), roughly by the place."""
    away = abs(place.lat_deg)
    if np.isin(place.cover, (BARE, SHRUB)).mean() > 0.5:
        return 13
    return 1 if away < 15 else 7 if away < 25 else 4 if away < 55 else 6


def _write_tile(path: Path, bands: dict[str, Classes], place: ExpertPlace) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    grid = place.grid
    with rasterio.open(
        path, "w", driver="GTiff", dtype="uint8", count=len(bands), width=grid.width_px, height=grid.height_px,
        crs=f"EPSG:{grid.epsg}", transform=Affine(*grid.affine), compress="deflate",
    ) as file:  # fmt: skip
        for number, (name, values) in enumerate(bands.items(), 1):
            file.write(values, number)
            if name:
                file.set_band_description(number, name)


def _write_meta(path: Path, written: list[WrittenTile], scenes: list[str]) -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["filename", "s2_system_index"])
    for tile, index in zip(written, scenes, strict=True):
        table.writerow([Path(tile.file).stem.removeprefix("label_"), index])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.getvalue())
