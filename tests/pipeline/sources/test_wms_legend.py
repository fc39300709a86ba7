"""The legend as a service tells it, and map pixels read by it."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.emulator.map_drawing import legend_picture
from pipeline.emulator.wms_documents import legend_json
from pipeline.schema.errors import UsageError
from pipeline.schema.landcover import IGNORE, OSM_CLASSES
from pipeline.sources.retry import BrokenAnswerError
from pipeline.sources.wms_answers import read_image
from pipeline.sources.wms_legend import BLENDED, Legend, check_apart, legend_of_json, legend_of_picture

PICTURE = read_image(legend_picture(), None, "here")
LEGEND = legend_of_picture(PICTURE, {}, "here")


def rules(**changed: str) -> dict[str, Any]:
    """The JSON legend with some fields of its first rule changed."""
    document: dict[str, Any] = json.loads(legend_json())
    document["Legend"][0]["rules"][0].update(changed)
    return document


def test_picture_and_json_tell_the_same_legend() -> None:
    assert legend_of_json(legend_json(), {}, "here") == LEGEND
    assert [code for _, code in LEGEND.entries] == [entry.code for entry in OSM_CLASSES]
    assert "#{:02x}{:02x}{:02x}".format(*LEGEND.entries[10][0]) == OSM_CLASSES[10].colour


def test_json_goes_by_name_whatever_the_colour() -> None:
    document = rules()
    for number, rule in enumerate(document["Legend"][0]["rules"]):
        rule["symbolizers"][0]["Polygon"]["fill"] = f"#00{number * 20:02x}00"
        rule["name"] = f"{number}.1. {rule['name'].upper()}"
    legend = legend_of_json(json.dumps(document).encode(), {}, "here")
    assert dict(legend.entries)[(0, 40, 0)] == 3


def test_a_coverage_has_its_legend_in_a_colour_map() -> None:
    entries = [{"label": c.name, "quantity": str(c.code), "color": c.colour} for c in OSM_CLASSES]
    document = {"Legend": [{"rules": [{"symbolizers": [{"Raster": {"colormap": {"entries": entries}}}]}]}]}
    assert legend_of_json(json.dumps(document).encode(), {}, "here") == LEGEND


def test_an_unknown_name_is_refused_until_the_recipe_says_what_it_means() -> None:
    body = json.dumps(rules(name="Salt pans")).encode()
    with pytest.raises(UsageError, match="here: the legend has 'Salt pans', which is none of the 13 classes"):
        legend_of_json(body, {}, "here")
    assert legend_of_json(body, {"salt pans": 1}, "here") == LEGEND


def test_an_unknown_colour_is_refused_until_the_recipe_says_what_it_means() -> None:
    strange = PICTURE.copy()
    strange[(PICTURE == [0xE6, 0x80, 0x00, 255]).all(axis=2)] = [0x12, 0x34, 0x56, 255]
    with pytest.raises(UsageError, match="the legend has the colour #123456, which is none of the 13 classes"):
        legend_of_picture(strange, {}, "here")
    assert dict(legend_of_picture(strange, {"#123456": 11}, "here").entries)[(0x12, 0x34, 0x56)] == 11


def test_a_legend_that_lacks_a_class_is_refused() -> None:
    bare = PICTURE.copy()
    bare[(PICTURE == [0xE6, 0x80, 0x00, 255]).all(axis=2)] = 255
    with pytest.raises(UsageError, match=r"no colour for class 11 \(permanent crops\)"):
        legend_of_picture(bare, {}, "here")


def test_one_colour_for_two_classes_is_refused() -> None:
    twice = rules(symbolizers=[{"Polygon": {"fill": "#cc4df2"}}])  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="#cc4df2 for two classes, 1 and 2"):
        legend_of_json(json.dumps(twice).encode(), {}, "here")


def test_half_a_document_is_asked_for_again_and_another_document_is_refused() -> None:
    with pytest.raises(BrokenAnswerError, match="not whole JSON"):
        legend_of_json(legend_json()[:200], {}, "here")
    with pytest.raises(UsageError, match="not the JSON of a GeoServer"):
        legend_of_json(b'{"nodes": []}', {}, "here")


def test_a_distance_must_tell_the_colours_apart() -> None:
    check_apart(LEGEND, 12.4, "here")
    with pytest.raises(UsageError, match=r"#e6e6e6 and #e6e6ff are 25.0 apart.*less than 12.5"):
        check_apart(LEGEND, 12.5, "here")


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 12), st.tuples(*[st.integers(-9, 9)] * 3), st.integers(0, 255))
def test_a_pixel_has_the_nearest_colours_class_or_none(number: int, off: tuple[int, ...], opacity: int) -> None:
    colour, code = LEGEND.entries[number]
    pixel = np.clip(np.add(colour, off), 0, 255)
    image = np.array([[[*pixel, opacity]]], dtype=np.uint8)
    near = np.linalg.norm(np.subtract(pixel, colour)) <= 8.0
    expected = (code if near else BLENDED) if opacity >= 250 else IGNORE if opacity == 0 else BLENDED
    assert LEGEND.codes(image, 8.0).tolist() == [[expected]]


def test_paper_has_no_label_and_zero_means_none() -> None:
    legend = Legend((*LEGEND.entries, ((17, 18, 19), 0)))
    image = np.array([[[255, 255, 255, 255], [17, 18, 19, 255], [128, 128, 128, 255]]], dtype=np.uint8)
    assert legend.codes(image, 8.0).tolist() == [[IGNORE, IGNORE, BLENDED]]
