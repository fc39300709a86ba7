import json
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, box

from pipeline.sample import SampleSettings, listed_files, sample, sample_with_notes, scene_list
from pipeline.sampling.neighbourhood import count_sharing
from pipeline.sampling.region import read_region
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.strict import validated


@pytest.fixture(scope="module")
def date_line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Polygons on both sides of the date line, over three degrees of latitude."""
    path = tmp_path_factory.mktemp("region") / "fiji.geojson"
    area = MultiPolygon([box(179.0, -19.0, 180.0, -16.0), box(-180.0, -19.0, -179.0, -16.0)])
    gpd.GeoDataFrame(geometry=[area], crs=4326).to_file(path)
    return path


@given(seed=st.integers(0, 2**32), few=st.integers(1, 40), more=st.integers(0, 60))
@settings(max_examples=8, deadline=None)
def test_a_smaller_sample_begins_a_larger_one(seed: int, few: int, more: int) -> None:
    larger = sample(SampleSettings(count=few + more, seed=seed))
    assert larger[:few] == sample(SampleSettings(count=few, seed=seed))
    assert all(p.grid.left_m % 10 == 0 and p.grid.top_m % 10 == 0 for p in larger)
    assert all(int(b.location_id) == int(a.location_id) + 1 for a, b in pairwise(larger))


def test_the_seed_decides_and_the_demo_stays_where_it_was() -> None:
    assert sample(SampleSettings(count=40, seed=4)) != sample(SampleSettings(count=40, seed=3))
    demo = sample(SampleSettings(count=160, seed=1))
    assert [p.grid for p in (demo[0], demo[159])] == [
        PixelGrid(32619, 714130.0, 1079700.0, 264, 264),
        PixelGrid(32629, 672330.0, 4197200.0, 264, 264),
    ]


@pytest.mark.parametrize(
    "around",
    [{"cities": 1, "sigma_km": 25.0}, {"cities": 30_000, "sigma_km": 4.0}, {"cities": 2, "sigma_km": 2_000.0}],
    ids=["crowded", "many cities", "wide"],
)
def test_no_two_patches_share_ground(around: dict[str, object]) -> None:
    places = sample(SampleSettings.model_validate({"count": 400, "seed": 0, **around}))
    assert len(places) == 400
    assert count_sharing(places) == 0


def test_ten_thousand_patches_share_no_ground_and_lie_on_the_grid() -> None:
    places = sample(SampleSettings(count=10_000, seed=2))
    assert len({p.location_id for p in places}) == len(places) == 10_000
    assert count_sharing(places) == 0
    assert all(p.grid.left_m % 10 == 0 and p.grid.top_m % 10 == 0 for p in places)
    assert len({p.grid.epsg for p in places}) > 60  # cities lie in most zones that have land


@pytest.mark.parametrize("place", ["cities", "uniform", "grid"])
def test_patches_within_polygons_lie_wholly_inside_on_both_sides_of_the_date_line(date_line: Path, place: str) -> None:
    chosen = SampleSettings.model_validate({"count": 60, "within": str(date_line), "place": place, "sigma_km": 150.0})
    places = sample(chosen)
    region = read_region(date_line)
    assert len(places) == 60
    assert all(region.holds_patch(p.grid) for p in places)
    assert count_sharing(places) == 0
    assert {p.lon_deg > 0 for p in places} == {True, False}
    assert sample(chosen.model_copy(update={"count": 20})) == places[:20]


def test_polygons_near_the_pole_hold_patches_that_share_no_ground(tmp_path: Path) -> None:
    path = tmp_path / "north.geojson"
    gpd.GeoDataFrame(geometry=[box(-180, 82.6, 180, 83.0)], crs=4326).to_file(path)
    places = sample(SampleSettings(count=400, within=path, place="uniform"))
    assert count_sharing(places) == 0
    assert len({p.grid.epsg for p in places}) > 30


def test_a_grid_without_a_count_is_all_there_is_room_for(tmp_path: Path) -> None:
    path = tmp_path / "region.geojson"
    gpd.GeoDataFrame(geometry=[box(1.0, 48.0, 1.3, 48.2)], crs=4326).to_file(path)
    every = sample(SampleSettings(within=path, place="grid"))
    assert 20 < len(every) <= 22 * 22 / 2.64**2 * 1.1
    with pytest.raises(UsageError, match=rf"room for only {len(every)} of 500 patches .*widen the polygons"):
        sample(SampleSettings(count=500, within=path, place="grid"))


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"count": 3, "from": "list.parquet"},
        {"count": 3, "limit": 2},
        {"count": 3, "ids": "ids.txt"},
        {"count": 0},
        {"count": 3, "place": "uniform"},
        {"place": "grid"},
        {"within": "region.geojson"},
        {"from": "list.csv", "within": "region.geojson"},
        {"from": "list.csv", "place": "grid"},
        {"count": 3, "place": "somewhere"},
        {"count": 3, "around": "No Such Town"},
        {"count": 3, "around": ["Munich"], "within": "region.geojson", "place": "uniform"},
        {"from": "list.csv", "around": ["Munich"]},
        {"form": "x"},
    ],
)
def test_contradictions_are_refused(raw: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        validated(SampleSettings, raw, where="recipe")


@pytest.mark.parametrize("around", ["Munich", ["Munich"], ["München, DE"]])
def test_places_lie_around_the_city_that_is_named(around: object) -> None:
    places = sample(validated(SampleSettings, {"count": 30, "sigma_km": 10, "around": around}, where="recipe"))
    assert len(places) == 30
    assert all(abs(p.lon_deg - 11.58) < 0.7 and abs(p.lat_deg - 48.14) < 0.5 for p in places)


def test_a_recipe_that_names_no_city_is_described_as_before_there_were_names() -> None:
    assert "around" not in SampleSettings(count=3).model_dump(mode="json", by_alias=True)
    assert SampleSettings(count=3, around=("Munich",)).model_dump(mode="json")["around"] == ["Munich"]


def test_a_sample_that_finds_no_room_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"room for only \d of 50 patches of 2.64 km around 1 cities at sigma_km 0.5"):
        sample(SampleSettings(count=50, cities=1, sigma_km=0.5))
    small = tmp_path / "small.geojson"
    gpd.GeoDataFrame(geometry=[box(2.0, 48.0, 2.01, 48.01)], crs=4326).to_file(small)
    with pytest.raises(UsageError, match=r"room for only 0 of 1 patches .* within .*small.geojson"):
        sample(SampleSettings(within=small, place="grid"))
    ocean = tmp_path / "ocean.geojson"
    gpd.GeoDataFrame(geometry=[box(-30, -40, -29, -39)], crs=4326).to_file(ocean)
    with pytest.raises(UsageError, match=r"none of the 10000 most populated cities is near .*ocean\.geojson"):
        sample(SampleSettings(count=5, within=ocean))


def test_the_files_are_known_by_key_and_only_a_list_of_scenes_is_one(tmp_path: Path) -> None:
    listed, ids = tmp_path / "list.csv", tmp_path / "ids.txt"
    listed.write_text("id,lon,lat\na,2,48\nb,3,48\n")
    ids.write_text("b\nc\n")
    chosen = SampleSettings.model_validate({"from": str(listed), "ids": str(ids)})
    assert listed_files(chosen) == {"from": listed, "ids": ids}
    assert scene_list(chosen) is None
    assert listed_files(SampleSettings(count=3)) == {}
    sampled = sample_with_notes(chosen)
    assert [p.location_id for p in sampled.locations] == ["b"]
    assert "1 of the 2 ids" in sampled.notes[0]
    assert json.loads(chosen.model_dump_json(by_alias=True))["place"] == "cities"
    scenes = tmp_path / "scenes.parquet"
    gpd.GeoDataFrame({"time": ["x"], "tile_id": ["T31UDQ"]}, geometry=[box(0, 0, 1, 1)], crs=4326).to_parquet(scenes)
    assert scene_list(SampleSettings.model_validate({"from": str(scenes)})) == scenes
