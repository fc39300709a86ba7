"""The Sentinel-1 catalogue."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from pipeline.emulator.planet import Planet
from pipeline.emulator.scene import S1_COLLECTION, EmulatedScene
from pipeline.schema.grid import patch_grid

START = datetime(2021, 3, 1, tzinfo=UTC)
PLACES = [(15.95, 45.26), (77.4, 28.9), (-43.5, -22.8), (139.6, 36.0), (36.8, -1.3), (25.1, 60.5), (-71.0, -51.0)]


@pytest.fixture(scope="module")
def planet() -> Planet:
    return Planet(0)


def scenes(planet: Planet, lon: float, lat: float, days: int = 60) -> list[EmulatedScene]:
    return planet.search(S1_COLLECTION, patch_grid(lon, lat).footprint_lonlat(), START, START + timedelta(days=days))


def test_scenes_are_found_in_order_and_again_by_their_ids(planet: Planet) -> None:
    for lon, lat in PLACES:
        found = scenes(planet, lon, lat)
        assert found
        assert [(s.time, s.index) for s in found] == sorted((s.time, s.index) for s in found)
        for scene in found:
            assert planet.scene(scene.asset_id) == scene


def test_no_scene_is_missed_where_slices_meet(planet: Planet) -> None:
    for lon, lat in PLACES:
        region = patch_grid(lon, lat).footprint_lonlat()
        wide = region.buffer(1.5)
        near = {s.index for s in scenes(planet, lon, lat)}
        around = planet.search(S1_COLLECTION, wide, START, START + timedelta(days=60))
        assert near == {s.index for s in around if s.footprint.intersects(region)}


def test_europe_is_mapped_both_ways_by_both_satellites(planet: Planet) -> None:
    found = scenes(planet, *PLACES[0])
    assert {s.properties["orbitProperties_pass"] for s in found} == {"ASCENDING", "DESCENDING"}
    assert {s.properties["platform_number"] for s in found} == {"A", "B"}
    by_orbit: dict[object, list[float]] = {}
    for s in found:
        by_orbit.setdefault(s.properties["relativeOrbitNumber_start"], []).append(s.time.timestamp() / 86400)
    for days in by_orbit.values():
        gaps = np.diff(sorted(days))
        assert (np.minimum(gaps % 6, 6 - gaps % 6) < 0.01).all()


def test_sentinel_1b_falls_silent_at_the_end_of_2021(planet: Planet) -> None:
    region = patch_grid(*PLACES[0]).footprint_lonlat()
    later = planet.search(S1_COLLECTION, region, datetime(2022, 1, 1, tzinfo=UTC), datetime(2022, 3, 1, tzinfo=UTC))
    assert {s.properties["platform_number"] for s in later} == {"A"}


def test_a_slice_is_250_km_by_about_170_km_and_its_grid_holds_it(planet: Planet) -> None:
    for scene in scenes(planet, *PLACES[0])[:6]:
        width_m, height_m = scene.grid.width_px * 10, scene.grid.height_px * 10
        assert 250_000 < width_m < 320_000
        assert 170_000 < height_m < 260_000
        outline = scene.grid.footprint_lonlat().buffer(0.05)
        assert outline.contains(scene.footprint)


def test_properties_and_name_agree(planet: Planet) -> None:
    for scene in scenes(planet, *PLACES[0]):
        parts = scene.index.split("_")
        assert parts[:3] == [f"S1{scene.properties['platform_number']}", "IW", "GRDH"]
        assert parts[3] == ("1SDV" if "VH" in scene.bands else "1SSV")
        assert int(parts[6]) == scene.properties["orbitNumber_start"]
        assert list(scene.bands) == scene.properties["transmitterReceiverPolarisation"]
        offset = 73 if parts[0] == "S1A" else 27
        assert (int(parts[6]) - offset) % 175 + 1 == scene.properties["relativeOrbitNumber_start"]


def test_no_radar_over_open_ocean(planet: Planet) -> None:
    assert scenes(planet, -30.0, 31.0) == []
