import json
from datetime import UTC, datetime, timedelta
from typing import Any

import ee
import numpy as np
import pytest

from pipeline.schema.grid import patch_grid
from pipeline.schema.records import TimeWindow
from pipeline.sources.earthengine import EarthEngineSource
from pipeline.sources.protocol import LayerRequest, PixelRequest, SceneLimits, SceneSlot
from pipeline.sources.queries import pixel_params, read_scenes, scene_query
from pipeline.sources.retry import BrokenAnswerError

LIMITS = SceneLimits(cloud_max_pct=20, max_candidates=7)
CENTRE = datetime(2021, 6, 21, 12, tzinfo=UTC)


@pytest.fixture
def client(service: Any) -> None:
    """Building expressions needs the client's list of functions."""
    EarthEngineSource(service.spec(), "test")


def slot(number: int = 0, lon: float = 10.0) -> SceneSlot:
    window = TimeWindow(CENTRE - timedelta(days=30), CENTRE + timedelta(days=30), CENTRE)
    return SceneSlot(f"location-{number}", number % 4, patch_grid(lon, 48.0), window)


def request(size: int = 6) -> PixelRequest:
    layers = (
        LayerRequest("S2/a", ("B2", "B5"), ("s2_B2", "s2_B5"), "uint16", "bilinear", 0),
        LayerRequest("S1/b", ("VV",), ("s1_VV",), "float32", "nearest", -9999.0),
        LayerRequest("DW/c", ("label",), ("dw",), "uint8", "nearest", 255),
    )
    return PixelRequest("here", patch_grid(10, 48, size), layers)


def calls(encoded: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every function call of an expression, with references resolved, outermost first."""
    values, found = encoded["values"], []

    def resolve(node: Any) -> Any:
        if "valueReference" in node:
            return resolve(values[node["valueReference"]])
        if "constantValue" in node:
            return node["constantValue"]
        if "arrayValue" in node:
            return [resolve(item) for item in node["arrayValue"]["values"]]
        if "functionDefinitionValue" in node:
            return resolve(values[node["functionDefinitionValue"]["body"]])
        if "functionInvocationValue" in node:
            call = node["functionInvocationValue"]
            place = len(found)
            found.append((call["functionName"], {}))
            found[place][1].update({name: resolve(value) for name, value in call["arguments"].items()})
            return found[place]
        return node

    resolve(values[encoded["result"]])
    return found


def test_a_scene_query_has_one_map_and_grows_by_a_few_hundred_bytes_a_slot(client: None) -> None:
    few, many = (
        json.dumps(ee.serializer.encode(scene_query([slot(i, 10 + i / 50) for i in range(n)], LIMITS)))
        for n in (1, 101)
    )
    assert many.count('"List.map"') == 1
    assert (len(many) - len(few)) / 100 < 600


def test_a_scene_query_states_every_condition_on_scenes(client: None) -> None:
    found = calls(ee.serializer.encode(scene_query([slot()], LIMITS)))
    conditions = [(name, arguments.get("leftField"), arguments.get("rightValue")) for name, arguments in found]
    assert ("Filter.lessThan", "CLOUDY_PIXEL_PERCENTAGE", 20) in conditions
    assert ("Filter.equals", "instrumentMode", "IW") in conditions
    assert ("Filter.listContains", "transmitterReceiverPolarisation", "VV") in conditions
    assert ("Filter.listContains", "transmitterReceiverPolarisation", "VH") in conditions
    contained = [name for name, field, _ in conditions if name == "Filter.contains" and field == ".geo"]
    assert len(contained) == 4, "twice for the rows of S2, for their indices in the label lookup, and for S1"
    limits = {a["key"]: (a["limit"], a["ascending"]) for name, a in found if name == "Collection.limit"}
    assert limits == {"CLOUDY_PIXEL_PERCENTAGE": (7, True), "noldo_distance_ms": (7, True)}
    assert {a["id"] for name, a in found if name == "ImageCollection.load"} == {
        "COPERNICUS/S2_HARMONIZED", "COPERNICUS/S1_GRD", "GOOGLE/DYNAMICWORLD/V1",
    }  # fmt: skip


def test_a_slots_polygon_and_times_are_sent_in_degrees_and_milliseconds(client: None) -> None:
    here = slot()
    (sent,) = calls(ee.serializer.encode(scene_query([here], LIMITS)))[0][1]["list"]
    ring, start, end, centre = sent
    assert np.allclose(ring[0], here.grid.footprint_lonlat().exterior.coords, atol=1e-7)
    assert (end - start, centre - start) == (60 * 86_400_000, 30 * 86_400_000)
    assert centre == 1624276800000


def test_rows_become_records_and_the_label_is_the_scenes_own() -> None:
    ms = 1624276800000
    answer = [
        [
            [["a", ms, 3.5, "03.00", "32UNU"], ["b", ms + 1, 0, "05.00", "32UPU"]],
            [["a", 22, "Sentinel-2B"]],
            ["b"],
            [["S1B_x", ms - 1000, "ASCENDING", 44], ["other", ms, "DESCENDING", 1]],
        ]
    ]
    (scenes,) = read_scenes([slot(3)], answer)
    assert (scenes.location_id, scenes.season) == ("location-3", 3)
    assert [scene.dw_id for scene in scenes.s2] == [None, "GOOGLE/DYNAMICWORLD/V1/b"]
    assert scenes.s2[0].asset_id == "COPERNICUS/S2_HARMONIZED/a"
    assert (scenes.s2[0].time, scenes.s2[0].cloud_pct, scenes.s2[0].tile) == (CENTRE, 3.5, "32UNU")
    assert [(scene.relative_orbit, scene.platform) for scene in scenes.s2] == [(22, "Sentinel-2B"), (None, None)]
    radar, other = scenes.s1
    assert (radar.orbit_pass, radar.relative_orbit, radar.platform) == ("ASCENDING", 44, "S1B")
    assert other.platform is None
    assert radar.time == CENTRE - timedelta(seconds=1)


@pytest.mark.parametrize(
    "answer",
    [None, "text", [], [[[], [], [], []], [[], [], [], []]], [[[], [], []]], [[[["a", 1]], [], [], []]],
     [[[["a", "then", 1, "", ""]], [], [], []]], [[None, [], [], []]], [[[], [["a", "?", "b"]], [], []]]],
)  # fmt: skip
def test_an_answer_that_does_not_fit_the_slots_is_broken(answer: Any) -> None:
    with pytest.raises(BrokenAnswerError):
        read_scenes([slot()], answer)


def test_a_pixel_request_puts_all_layers_on_the_patch_grid(client: None) -> None:
    params = pixel_params(request())
    grid = request().grid
    assert params["grid"]["crsCode"] == f"EPSG:{grid.epsg}"
    assert params["grid"]["dimensions"] == {"width": 6, "height": 6}
    assert params["grid"]["affineTransform"] == {
        "scaleX": 10.0, "shearX": 0.0, "translateX": grid.left_m,
        "shearY": 0.0, "scaleY": -10.0, "translateY": grid.top_m,
    }  # fmt: skip
    found = calls(ee.serializer.encode(params["expression"]))
    names = [name for name, _ in found]
    assert names.count("Image.addBands") == 2
    assert names.count("Image.resample") == 1, "only the layer that asks for it"
    assert [a["id"] for name, a in found if name == "Image.load"] == ["S2/a", "S1/b", "DW/c"]


def test_the_fill_value_is_given_room_before_and_held_to_the_dtype_after(client: None) -> None:
    found = calls(ee.serializer.encode(pixel_params(request())["expression"]))
    names = [name for name, _ in found if name.startswith(("Image.to", "Image.unmask"))]
    assert names == [
        "Image.toUint16", "Image.unmask", "Image.toUint16",
        "Image.toFloat", "Image.unmask", "Image.toFloat",
        "Image.toUint8", "Image.unmask", "Image.toUint8",
    ]  # fmt: skip
    unmasks = [arguments for name, arguments in found if name == "Image.unmask"]
    assert all(arguments["sameFootprint"] is False for arguments in unmasks)
    assert [arguments["value"][1]["value"] for arguments in unmasks] == [0, -9999.0, 255]
