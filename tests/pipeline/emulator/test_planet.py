"""Pixels of the planet's scenes: the same from every window, masked where nothing was seen, like their class."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.emulator.catalogue_s2 import DW_BANDS
from pipeline.emulator.planet import Planet
from pipeline.emulator.scene import DW_COLLECTION, S1_COLLECTION, S2_COLLECTION, EmulatedScene
from pipeline.emulator.truth import BARE, BUILT, TREES, WATER
from pipeline.schema.bands import S2_BANDS
from pipeline.schema.grid import PixelGrid, patch_grid, transformer

START, END = datetime(2021, 5, 1, tzinfo=UTC), datetime(2021, 7, 1, tzinfo=UTC)
PLACE = (15.95, 45.26)
PLACES = [PLACE, (77.4, 28.9), (139.6, 36.0), (-99.3, 19.6), (120.9, 31.0), (31.4, 30.2), (2.6, 48.6), (-88.0, 42.0)]


@pytest.fixture(scope="module")
def planet() -> Planet:
    return Planet(0)


def over(planet: Planet, collection: str, place: tuple[float, float] = PLACE) -> list[EmulatedScene]:
    region = patch_grid(*place).footprint_lonlat()
    found = [s for s in planet.search(collection, region, START, END) if s.footprint.contains(region)]
    return [s for s in found if "VV" not in s.bands or "VH" in s.bands]


def clearest(planet: Planet, place: tuple[float, float] = PLACE) -> EmulatedScene:
    return min(over(planet, S2_COLLECTION, place), key=lambda s: float(str(s.properties["CLOUDY_PIXEL_PERCENTAGE"])))


def window(scene: EmulatedScene, place: tuple[float, float], side: int, pixel_m: float = 10.0) -> PixelGrid:
    x, y = transformer(4326, scene.grid.epsg).transform(*place)
    left = scene.grid.left_m + np.floor((x - scene.grid.left_m) / 60) * 60
    top = scene.grid.top_m - np.floor((scene.grid.top_m - y) / 60) * 60
    return PixelGrid(scene.grid.epsg, float(left), float(top), side, side, pixel_m)


@pytest.mark.parametrize(
    ("collection", "bands", "pixel_m"),
    [
        (S2_COLLECTION, ("B2", "B8"), 10.0), (S2_COLLECTION, ("B5", "B12"), 20.0),
        (S2_COLLECTION, ("B1", "B9", "B10"), 60.0), (S1_COLLECTION, ("VV", "VH"), 10.0),
        (DW_COLLECTION, ("label", "trees"), 10.0),
    ],
)  # fmt: skip
@settings(deadline=None, max_examples=12)
@given(data=st.data())
def test_overlapping_windows_agree_to_the_pixel(
    collection: str, bands: tuple[str, ...], pixel_m: float, data: st.DataObject
) -> None:
    scenes = over(Planet(0), collection)
    scene = scenes[data.draw(st.integers(0, len(scenes) - 1))]
    column, row = data.draw(st.integers(0, 30)), data.draw(st.integers(0, 30))
    whole = window(scene, PLACE, 50, pixel_m)
    part = PixelGrid(whole.epsg, whole.left_m + column * pixel_m, whole.top_m - row * pixel_m, 17, 13, pixel_m)
    # Separate planets, so that neither reads the other's cached ground.
    first, second = Planet(0).read(scene, bands, whole), Planet(0).read(scene, bands[::-1], part)
    cut = (slice(row, row + 13), slice(column, column + 17))
    for band in bands:
        assert np.array_equal(first[band].values[cut], second[band].values)
        assert np.array_equal(first[band].valid[cut], second[band].valid)


def test_kept_ground_changes_nothing(planet: Planet) -> None:
    scene = clearest(planet)
    small, large = window(scene, PLACE, 20), window(scene, PLACE, 60)
    fresh = Planet(0).read(scene, ["B4"], small)["B4"].values
    planet.read(scene, ["B4"], large)
    assert np.array_equal(planet.read(scene, ["B4"], small)["B4"].values, fresh)


def test_optical_values_are_whole_digital_numbers(planet: Planet) -> None:
    scene = clearest(planet)
    for pixel_m in (10.0, 20.0, 60.0):
        bands = [b for b in S2_BANDS if scene.bands[b] == pixel_m]
        for block in planet.read(scene, bands, window(scene, PLACE, 24, pixel_m)).values():
            assert block.values.dtype == np.float32
            assert block.valid.all()
            assert (block.values == np.rint(block.values)).all()
            assert block.values.min() >= 1
            assert block.values.max() < 20_000


def test_coarse_bands_see_the_same_ground(planet: Planet) -> None:
    scene = clearest(planet)
    fine = planet.read(scene, ["B8"], window(scene, PLACE, 240))["B8"].values
    coarse = planet.read(scene, ["B8A"], window(scene, PLACE, 120, 20.0))["B8A"].values
    means = fine.reshape(120, 2, 120, 2).mean(axis=(1, 3))
    assert np.corrcoef(means.ravel(), coarse.ravel())[0, 1] > 0.8


def test_nothing_is_seen_beyond_the_swath(planet: Planet) -> None:
    region = patch_grid(*PLACE).footprint_lonlat().buffer(0.8)
    near = planet.search(S2_COLLECTION, region, START, START + timedelta(days=10))
    cut = [s for s in near if s.footprint.area < 0.8 * s.grid.footprint_lonlat().area]
    assert cut
    scene = cut[0]
    whole = scene.grid
    corner = PixelGrid(whole.epsg, whole.left_m, whole.top_m, 1830, 2, 60.0)
    block = planet.read(scene, ["B1"], corner)["B1"]
    foot = PixelGrid(whole.epsg, whole.left_m, whole.top_m - 1828 * 60.0, 1830, 2, 60.0)
    lower = planet.read(scene, ["B1"], foot)["B1"]
    seen = float(np.mean([block.valid.mean(), lower.valid.mean()]))
    assert 0.0 < seen < 0.95
    assert (block.values[~block.valid] == 0).all()
    assert abs(seen - scene.footprint.area / scene.grid.footprint_lonlat().area) < 0.1


def test_radar_is_masked_outside_its_slice(planet: Planet) -> None:
    scene = over(planet, S1_COLLECTION)[0]
    corner = PixelGrid(scene.grid.epsg, scene.grid.left_m, scene.grid.top_m, 40, 40)
    assert not planet.read(scene, ["VV"], corner)["VV"].valid.any()


def test_speckle_has_about_four_and_a_half_looks(planet: Planet) -> None:
    place = (-122.75, 37.55)
    scene = over(planet, S1_COLLECTION, place)[0]
    grid = window(scene, place, 200)
    assert (planet.truth(grid, scene.time) == WATER).all()
    looks = []
    for block in planet.read(scene, ["VV", "VH"], grid).values():
        power = 10 ** (block.values.astype(float) / 10)
        # Small boxes, so that the sea's own texture hardly counts.
        boxes = power.reshape(40, 5, 40, 5).transpose(0, 2, 1, 3).reshape(-1, 25)
        looks.append(1 / np.mean(boxes.var(axis=1, ddof=1) / boxes.mean(axis=1) ** 2))
    assert 3.7 < np.mean(looks) < 5.1


def test_polarisations_and_passes_differ_in_speckle(planet: Planet) -> None:
    first, second = over(planet, S1_COLLECTION)[:2]
    one = planet.read(first, ["VV", "VH"], window(first, PLACE, 60))
    other = planet.read(second, ["VV"], window(second, PLACE, 60))
    assert (one["VV"].values - one["VH"].values).mean() > 3.0
    assert abs(np.corrcoef(np.diff(one["VV"].values).ravel(), np.diff(other["VV"].values).ravel())[0, 1]) < 0.35


def test_classes_look_like_themselves(planet: Planet) -> None:
    bands: dict[str, list[np.ndarray]] = {"B4": [], "B8": [], "B11": [], "VV": [], "truth": []}
    for place in PLACES:
        scene, radar = clearest(planet, place), over(planet, S1_COLLECTION, place)[0]
        grid = window(scene, place, 132)
        for name, block in planet.read(scene, ["B4", "B8"], grid).items():
            bands[name].append(block.values)
        swir = planet.read(scene, ["B11"], window(scene, place, 66, 20.0))["B11"].values
        bands["B11"].append(swir.repeat(2, 0).repeat(2, 1))
        truth = planet.truth(grid, scene.time)
        bands["truth"].append(truth)
        if radar.grid.epsg == scene.grid.epsg:
            bands["VV"].append(np.where(True, planet.read(radar, ["VV"], grid)["VV"].values, 0))
        else:
            bands["VV"].append(np.full(truth.shape, np.nan, dtype=np.float32))
    stack = {name: np.concatenate([part.ravel() for part in parts]) for name, parts in bands.items()}

    def median(name: str, code: int) -> float:
        return float(np.nanmedian(stack[name][stack["truth"] == code]))

    ndvi = (stack["B8"] - stack["B4"]) / (stack["B8"] + stack["B4"])
    stack["ndvi"] = ndvi
    assert median("ndvi", TREES) > 0.4 > 0.3 > median("ndvi", BARE)
    assert median("B11", WATER) < 500 < 1200 < median("B11", TREES) < median("B11", BARE)
    assert median("VV", WATER) < -14 < median("VV", BUILT)


def test_the_annotator_is_right_seven_times_in_ten_and_errs_plausibly(planet: Planet) -> None:
    table = np.zeros((9, 9))
    for place in PLACES + [(8.0 + i, 44.0 + i % 8) for i in range(8)]:
        for scene in sorted(over(planet, DW_COLLECTION, place), key=lambda s: s.index)[:4]:
            grid = window(scene, place, 200)
            label = planet.read(scene, ["label"], grid)["label"]
            truth = planet.truth(grid, scene.time)[label.valid]
            np.add.at(table, (truth, label.values[label.valid].astype(int)), 1)
    assert 0.62 < np.trace(table) / table.sum() < 0.78
    rate = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    water, trees, grass, flooded, crops, shrub, built, bare, _ = range(9)
    assert rate[grass, crops] + rate[grass, shrub] > 3 * (rate[grass, built] + rate[grass, water])
    assert rate[bare, shrub] + rate[bare, built] + rate[bare, crops] > 3 * (rate[bare, water] + rate[bare, trees])
    assert rate[flooded].argsort()[-1] == flooded
    assert rate[water, water] > 0.75


def test_labels_are_the_best_of_nine_probabilities(planet: Planet) -> None:
    scene = over(planet, DW_COLLECTION)[0]
    grid = window(scene, PLACE, 80)
    blocks = planet.read(scene, list(DW_BANDS), grid)
    chances = np.stack([blocks[name].values for name in DW_BANDS[:9]])
    valid = blocks["label"].valid
    assert np.allclose(chances.sum(axis=0)[valid], 1.0, atol=1e-5)
    assert np.array_equal(chances.argmax(axis=0)[valid], blocks["label"].values[valid].astype(int))


def test_errors_differ_in_part_between_seasons(planet: Planet) -> None:
    first, second = over(planet, DW_COLLECTION)[:2]
    grid = window(first, PLACE, 200)
    assert first.grid.epsg == second.grid.epsg
    wrong = []
    for scene in (first, second):
        moved = window(scene, PLACE, 200)
        label = planet.read(scene, ["label"], moved)["label"].values
        wrong.append(label != planet.truth(grid, scene.time))
    both = np.mean(wrong[0] & wrong[1])
    assert both > 1.1 * np.mean(wrong[0]) * np.mean(wrong[1])
    assert both < 0.95 * min(np.mean(wrong[0]), np.mean(wrong[1]))


def test_labels_are_masked_under_clouds_where_the_optical_scene_is_bright(planet: Planet) -> None:
    cloudy = [s for place in PLACES for s in over(planet, DW_COLLECTION, place)]
    masked_seen = False
    for scene in cloudy:
        region = scene.footprint.centroid
        grid = window(scene, (region.x, region.y), 150)
        label = planet.read(scene, ["label"], grid)["label"]
        if not 0.1 < label.valid.mean() < 0.9:
            continue
        optical = planet.scene(f"{S2_COLLECTION}/{scene.index}")
        assert optical is not None
        block = planet.read(optical, ["B2"], grid)["B2"]
        assert block.valid.all()
        assert block.values[~label.valid].max() > block.values[label.valid].mean()
        masked_seen = True
    assert masked_seen


def test_what_cannot_be_read_is_refused(planet: Planet) -> None:
    scene = clearest(planet)
    grid = window(scene, PLACE, 20)
    with pytest.raises(ValueError, match="no bands"):
        planet.read(scene, ["VV"], grid)
    with pytest.raises(ValueError, match="m pixels was asked"):
        planet.read(scene, ["B5"], grid)
    with pytest.raises(ValueError, match="off the band's"):
        planet.read(scene, ["B2"], replace(grid, left_m=grid.left_m + 3))
    with pytest.raises(ValueError, match="EPSG"):
        planet.read(scene, ["B2"], replace(grid, epsg=32634))
