import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from shapely import Point
from shapely.geometry import shape

from pipeline.report import worldmap
from pipeline.report.fates import KEPT, fates
from pipeline.report.gather import gather
from pipeline.report.worldmap import PlaceNotes, place_map, world_map


def marks_of(drawing: str) -> list[ET.Element]:
    root = ET.fromstring(drawing)  # noqa: S314
    return [mark for layer in root.iter("g") if layer.get("class") for mark in layer]


@pytest.mark.parametrize(
    ("lon", "lat", "land"),
    [
        (2.35, 48.85, True),
        (-58.6, -34.7, True),
        (77.2, 28.6, True),
        (150.5, -33.7, True),
        (36.8, -1.3, True),
        (-30.0, 20.0, False),
        (-150.0, 0.0, False),
        (80.0, -20.0, False),
        (51.0, 41.5, False),
    ],
)
def test_land_is_land_and_sea_is_sea(lon: float, lat: float, land: bool) -> None:
    outline = shape(json.loads(files("pipeline.report").joinpath("land.json").read_text()))
    assert outline.is_valid
    assert outline.contains(Point(lon, lat)) == land


def test_the_land_path_comes_back_to_the_outlines_own_extent() -> None:
    path = worldmap._land()
    xs, ys = [], []
    for ring in path.removesuffix("z").split("z"):
        start, steps = ring.removeprefix("M").split("l")
        x, y = (float(v) for v in start.split(","))
        for step in ["0,0", *steps.split()]:
            dx, dy = (float(v) for v in step.split(","))
            x, y = x + dx, y + dy
            xs.append(x)
            ys.append(-y)
    outline = shape(json.loads(files("pipeline.report").joinpath("land.json").read_text()))
    assert (min(xs), min(ys), max(xs), max(ys)) == pytest.approx(outline.bounds, abs=0.06)


def test_marks_stand_where_the_locations_are_and_differ_in_shape(made_once: Callable[..., Any]) -> None:
    fake = made_once(stored=4)
    run = gather(fake.layout)
    drawn = world_map(run, previewed=[fake.kept[1]])
    assert (drawn.marks[0].kind, drawn.marks[0].count) == (KEPT, 4)
    assert len({mark.shape for mark in drawn.marks}) == len(drawn.marks) == 5
    marks = marks_of(drawn.drawing)
    assert drawn.drawn == len(marks) == 8
    places = {mark[0].text.split(":")[0]: mark.get("style") for mark in marks}
    for place in run.locations:
        at = places[place.location_id].split("(")[1].split(")")[0].replace("px", "").split(",")
        assert (float(at[0]), -float(at[1])) == pytest.approx((place.lon_deg, place.lat_deg), abs=0.006)
    assert [mark.get("data-id") for mark in marks if mark.get("data-sample") is not None] == [fake.kept[1]]
    details = {mark.get("data-id"): mark.get("data-detail") for mark in marks}
    assert details[run.locations[4].location_id] == "season 2: no DW label"
    assert details[fake.kept[0]] is None
    assert drawn.splits == ()


def test_splits_are_named_where_there_are_several(made_once: Callable[..., Any]) -> None:
    run = gather(made_once(stored=4).layout)
    split = {fake.location_id: "train" if at else "test" for at, fake in enumerate(run.locations[:4])}
    drawn = place_map(run.locations, fates(run), [KEPT], PlaceNotes(split=split), "map")
    assert drawn.splits == (("test", 1), ("train", 3))
    assert [mark.get("data-split") for mark in marks_of(drawn.drawing)].count("train") == 3


def test_a_full_map_is_thinned_evenly_but_loses_no_kind(
    made_once: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worldmap, "MOST_MARKS", 14)
    drawn = world_map(gather(made_once(stored=24).layout), previewed=[])
    assert drawn.drawn == len(marks_of(drawn.drawing)) == 12 + 4
    assert drawn.marks[0].count == 24


def test_places_with_pictures_are_on_the_fullest_map(
    made_once: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worldmap, "MOST_MARKS", 3)
    fake = made_once(stored=12)
    drawn = world_map(gather(fake.layout), previewed=fake.kept[3:6])
    ringed = {mark.get("data-id") for mark in marks_of(drawn.drawing) if mark.get("data-sample") is not None}
    assert ringed == set(fake.kept[3:6])
    assert drawn.drawn == len(marks_of(drawn.drawing))
