"""The Sentinel-2 and Dynamic World catalogues."""

import os
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
import shapely

from pipeline.emulator.catalogue_s2 import baseline
from pipeline.emulator.planet import Planet
from pipeline.emulator.scene import DW_COLLECTION, S2_COLLECTION, EmulatedScene
from pipeline.schema.grid import patch_grid

REAL = Path(os.environ.get("NOLDO_REAL", Path(__file__).resolve().parents[4] / "shared" / "real"))
START, END = datetime(2021, 3, 1, tzinfo=UTC), datetime(2021, 5, 1, tzinfo=UTC)
PLACES = [(15.95, 45.26), (77.4, 28.9), (-43.5, -22.8), (139.6, 36.0), (36.8, -1.3), (-99.3, 19.6), (31.4, 30.2)]


@pytest.fixture(scope="module")
def planet() -> Planet:
    return Planet(0)


def scenes(planet: Planet, lon: float, lat: float, collection: str = S2_COLLECTION) -> list[EmulatedScene]:
    return planet.search(collection, patch_grid(lon, lat).footprint_lonlat(), START, END)


def test_scenes_come_in_order_within_the_window_and_over_the_place(planet: Planet) -> None:
    for lon, lat in PLACES:
        found = scenes(planet, lon, lat)
        assert [(s.time, s.index) for s in found] == sorted((s.time, s.index) for s in found)
        assert len({s.index for s in found}) == len(found)
        for scene in found:
            assert START <= scene.time < END
            assert scene.footprint.intersects(patch_grid(lon, lat).footprint_lonlat())


def test_a_place_is_seen_at_least_every_five_days(planet: Planet) -> None:
    for lon, lat in PLACES:
        days = sorted({s.time.date() for s in scenes(planet, lon, lat)})
        assert len(days) >= 11
        assert max((b - a).days for a, b in pairwise(days)) <= 5


def test_a_search_is_the_union_of_its_parts(planet: Planet) -> None:
    region = patch_grid(15.95, 45.26).footprint_lonlat()
    middle = START + timedelta(days=23, hours=10, minutes=3)
    parts = planet.search(S2_COLLECTION, region, START, middle) + planet.search(S2_COLLECTION, region, middle, END)
    assert [s.index for s in parts] == [s.index for s in planet.search(S2_COLLECTION, region, START, END)]


def test_every_scene_is_found_again_by_its_id(planet: Planet) -> None:
    for lon, lat in PLACES[:4]:
        for collection in (S2_COLLECTION, DW_COLLECTION):
            for scene in scenes(planet, lon, lat, collection):
                assert planet.scene(scene.asset_id) == scene


def test_ids_that_name_no_scene(planet: Planet) -> None:
    for name in ("x", "20210601T100352_20210601T100412_T33TWL", "20210604T100352_20210604T100412_T99XXX", "a_b_c"):
        assert planet.scene(f"{S2_COLLECTION}/{name}") is None
    assert planet.scene("SOME/OTHER/thing") is None


def test_properties_are_the_real_ones(planet: Planet) -> None:
    scene = scenes(planet, *PLACES[0])[0]
    taken, made, tile = scene.index.split("_")
    assert tile == f"T{scene.properties['MGRS_TILE']}"
    assert len(taken) == len(made) == 15
    assert scene.properties["SENSING_ORBIT_DIRECTION"] == "DESCENDING"
    assert 1 <= int(str(scene.properties["SENSING_ORBIT_NUMBER"])) <= 143
    assert scene.properties["SPACECRAFT_NAME"] in ("Sentinel-2A", "Sentinel-2B")
    assert scene.bands["B2"] == 10.0
    assert scene.bands["B11"] == 20.0
    assert scene.bands["B10"] == 60.0
    assert baseline(datetime(2022, 1, 25, tzinfo=UTC)) == "04.00"
    assert baseline(datetime(2020, 1, 6, tzinfo=UTC)) == "02.08"


def test_labels_exist_for_about_four_in_five_clear_scenes_and_for_no_cloudy_one(planet: Planet) -> None:
    clear = labelled = 0
    for lon, lat in [*PLACES, *((float(lon), 20.0 + lon % 30) for lon in range(-4, 46, 3))]:
        made = {s.index for s in scenes(planet, lon, lat, DW_COLLECTION)}
        optical = {s.index: float(str(s.properties["CLOUDY_PIXEL_PERCENTAGE"])) for s in scenes(planet, lon, lat)}
        assert made <= optical.keys()
        assert all(optical[name] <= 35.0 for name in made)
        clear += sum(cloudy < 20.0 for cloudy in optical.values())
        labelled += sum(cloudy < 20.0 for name, cloudy in optical.items() if name in made)
    assert clear > 120
    assert 0.74 < labelled / clear < 0.90


def test_deserts_are_clearer_than_rain_forests(planet: Planet) -> None:
    def clear_share(lon: float, lat: float) -> float:
        region = patch_grid(lon, lat).footprint_lonlat()
        found = planet.search(S2_COLLECTION, region, START, START + timedelta(days=365))
        return sum(float(str(s.properties["CLOUDY_PIXEL_PERCENTAGE"])) < 20.0 for s in found) / len(found)

    assert clear_share(26.0, 24.0) > 0.6 > 0.45 > clear_share(-60.0, -3.0)


def test_real_acquisition_days_meet_a_pass(planet: Planet) -> None:
    path = REAL / "ssl4eo_s12_v1.1_locations.parquet"
    if not path.exists():
        pytest.skip("needs the real locations")
    table = pd.read_parquet(path, columns=["tile_id", "time", "geometry"]).iloc[::29]
    met = 0
    for tile_id, time, wkb in table.itertuples(index=False):
        when = time.to_pydatetime().replace(tzinfo=UTC)
        region = shapely.from_wkb(wkb).centroid.buffer(0.001)
        found = planet.search(S2_COLLECTION, region, when - timedelta(hours=2), when + timedelta(hours=2))
        met += any(s.index.endswith(tile_id) for s in found)
    assert met / len(table) > 0.95


def test_seeds_share_orbits_but_not_weather() -> None:
    first, second = scenes(Planet(0), *PLACES[0]), scenes(Planet(1), *PLACES[0])
    assert [s.time for s in first] == [s.time for s in second]
    assert [s.properties["CLOUDY_PIXEL_PERCENTAGE"] for s in first] != [
        s.properties["CLOUDY_PIXEL_PERCENTAGE"] for s in second
    ]
