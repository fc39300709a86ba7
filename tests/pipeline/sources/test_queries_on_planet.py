"""The scene query, answered by the emulator, against the same conditions written out over the planet's catalogue."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from pipeline.emulator.planet import Planet
from pipeline.emulator.scene import DW_COLLECTION, S1_COLLECTION, S2_COLLECTION, EmulatedScene
from pipeline.emulator.server import EmulatorServer
from pipeline.schema.grid import PixelGrid, patch_grid
from pipeline.schema.records import TimeWindow
from pipeline.sources.earthengine import EarthEngineSource, emulator_spec
from pipeline.sources.protocol import LayerRequest, PixelRequest, SceneLimits, SceneSlot, SlotScenes

SEED = 11
CENTRE = datetime(2021, 6, 21, 12, tzinfo=UTC)
PLACES = [(2.35, 48.85), (5.99, 43.1), (-58.4, -34.6), (12.02, 45.4), (31.2, 30.05), (139.7, 35.7)]
"""Two of them lie beside a border of UTM zones, where scenes of both zones contain the patch."""


@pytest.fixture(scope="module")
def planet() -> Planet:
    return Planet(SEED)


@pytest.fixture(scope="module")
def source(planet: Planet) -> Iterator[EarthEngineSource]:
    with EmulatorServer(planet) as server:
        yield EarthEngineSource(emulator_spec(server.url), "test")


def slots(days: int) -> list[SceneSlot]:
    window = TimeWindow(CENTRE - timedelta(days=days), CENTRE + timedelta(days=days), CENTRE)
    return [SceneSlot(f"p{i}", 0, patch_grid(lon, lat), window) for i, (lon, lat) in enumerate(PLACES)]


def over(planet: Planet, collection: str, slot: SceneSlot) -> list[EmulatedScene]:
    outline = slot.grid.footprint_lonlat()
    found = planet.search(collection, outline, slot.window.start, slot.window.end)
    return [scene for scene in found if scene.footprint.covers(outline)]


def cloud(scene: EmulatedScene) -> float:
    return float(str(scene.properties["CLOUDY_PIXEL_PERCENTAGE"]))


def find(source: EarthEngineSource, limits: SceneLimits) -> list[tuple[SceneSlot, SlotScenes]]:
    asked = slots(30)
    return list(zip(asked, source.find_scenes(asked, limits), strict=True))


def test_every_qualifying_scene_is_found_and_no_other(source: EarthEngineSource, planet: Planet) -> None:
    sensed = 0
    for slot, scenes in find(source, SceneLimits(cloud_max_pct=40, max_candidates=500)):
        expected = {scene.asset_id: scene for scene in over(planet, S2_COLLECTION, slot) if cloud(scene) < 40}
        assert {scene.asset_id for scene in scenes.s2} == set(expected)
        labelled = {scene.index for scene in over(planet, DW_COLLECTION, slot)}
        for found in scenes.s2:
            truth = expected[found.asset_id]
            assert (found.time, found.cloud_pct) == (truth.time, cloud(truth))
            assert found.tile == truth.properties["MGRS_TILE"]
            assert found.dw_id == (f"{DW_COLLECTION}/{truth.index}" if truth.index in labelled else None)
        radar = {
            scene.asset_id: scene
            for scene in over(planet, S1_COLLECTION, slot)
            if scene.properties["instrumentMode"] == "IW"
            and {"VV", "VH"} <= set(scene.properties["transmitterReceiverPolarisation"])  # type: ignore[arg-type]
        }
        assert {scene.asset_id for scene in scenes.s1} == set(radar)
        assert all(scene.time == radar[scene.asset_id].time for scene in scenes.s1)
        sensed += len(scenes.s2) + len(scenes.s1)
    assert sensed > 20


def test_of_many_scenes_the_clearest_and_the_most_central_are_given(source: EarthEngineSource, planet: Planet) -> None:
    whole = find(source, SceneLimits(cloud_max_pct=100, max_candidates=500))
    for (slot, every), (_, few) in zip(
        whole, find(source, SceneLimits(cloud_max_pct=100, max_candidates=3)), strict=True
    ):
        clouds = sorted(scene.cloud_pct for scene in every.s2)
        assert sorted(scene.cloud_pct for scene in few.s2) == clouds[:3]
        distances = sorted(abs(scene.time - slot.window.centre) for scene in every.s1)
        assert sorted(abs(scene.time - slot.window.centre) for scene in few.s1) == distances[:3]


def test_fine_bands_and_labels_arrive_as_the_planet_has_them(source: EarthEngineSource, planet: Planet) -> None:
    """On the scene's own grid no resampling may touch a 10 m band, and no fill may hide as a value."""
    compared = 0
    for slot, scenes in find(source, SceneLimits(cloud_max_pct=35, max_candidates=500)):
        own = [s for s in scenes.s2 if s.dw_id and int(s.tile[:2]) == slot.grid.epsg % 100]
        if not own:
            continue
        chosen = max(own, key=lambda scene: scene.cloud_pct)
        assert chosen.dw_id is not None
        patch = PixelGrid(slot.grid.epsg, slot.grid.left_m, slot.grid.top_m, 40, 40)
        layers = (
            LayerRequest(chosen.asset_id, ("B4", "B8"), ("red", "nir"), "uint16", "bilinear", 0),
            LayerRequest(chosen.dw_id, ("label",), ("label",), "uint8", "nearest", 255),
        )
        arrays = source.fetch_pixels(PixelRequest(slot.location_id, patch, layers))
        for asset_id, pairs, fill in (
            (chosen.asset_id, (("B4", "red"), ("B8", "nir")), 0),
            (chosen.dw_id, (("label", "label"),), 255),
        ):
            scene = planet.scene(asset_id)
            assert scene is not None
            for band, name in pairs:
                block = planet.read(scene, [band], patch)[band]
                np.testing.assert_array_equal(arrays[name], np.where(block.valid, block.values, fill))
        compared += 1
    assert compared >= 2
