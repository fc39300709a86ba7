from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pipeline.schema.grid import PixelGrid

S2 = "COPERNICUS/S2_HARMONIZED/S2_b"
S1 = "COPERNICUS/S1_GRD/S1_a"
DW = "GOOGLE/DYNAMICWORLD/V1/S2_b"

HOLE = PixelGrid(32633, 499_980.0 + 2980, 5_300_040.0 - 2980, 24, 24)
"""Around the square without labels, which begins two pixels in and is 20 wide."""


@pytest.fixture
def scene(ee: Any) -> Any:
    return ee.Image(S2)


def types(image: Any) -> dict[str, str]:
    return {
        name: kind["precision"] + (f"{kind['min']}..{kind['max']}" if "min" in kind else "")
        for name, kind in image.bandTypes().getInfo().items()
    }


def test_select_by_name_pattern_and_index(scene: Any) -> None:
    assert scene.select(["B8", "B2"]).bandNames().getInfo() == ["B8", "B2"]
    assert scene.select("B1.").bandNames().getInfo() == ["B10", "B11", "B12"]
    assert scene.select([0, -1]).bandNames().getInfo() == ["B1", "B12"]
    assert scene.select(["B2", "B3"], ["x", "y"]).bandNames().getInfo() == ["x", "y"]
    assert scene.select(["B2", "B2"]).bandNames().getInfo() == ["B2", "B2_1"]
    assert scene.slice(1, 3).bandNames().getInfo() == ["B2", "B3"]


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda i: i.select("B99"), "Band pattern 'B99' did not match any bands"),
        (lambda i: i.select(13), "Band number 13 is out of range"),
        (lambda i: i.select(["B2"], ["x", "y"]), "must match"),
        (lambda i: i.select(["B2", "B3"], ["x", "x"]), "given twice"),
        (lambda i: i.rename(["x"]), "must match"),
        (lambda i: i.projection(), "different projections"),
        (lambda i: i.resample("bicubic"), "it serves bilinear"),
        (lambda i: i.cast({"B2": "uint7"}), "the type 'uint7' is unknown"),
        (lambda i: i.unmask(i.select(["B2", "B3"])), "13 and 2 bands do not pair"),
        (lambda i: i.select("B2").reproject("EPSG:32633", [1, 0, 0, 0, 1, 0], 10), "crsTransform"),
    ],
)
def test_what_an_image_cannot_do_is_refused(ee: Any, scene: Any, call: Any, word: str) -> None:
    with pytest.raises((ee.EEException, ValueError), match=word):
        call(scene).getInfo()


def test_add_bands_renames_or_overwrites(ee: Any, scene: Any) -> None:
    one, two = scene.select(["B2", "B3"]), scene.select(["B3", "B4"]).toFloat()
    assert one.addBands(two).bandNames().getInfo() == ["B2", "B3", "B3_1", "B4"]
    over = one.addBands(two, overwrite=True)
    assert types(over) == {"B2": "int0..65535", "B3": "float", "B4": "float"}
    assert one.addBands(two, ["B4"]).bandNames().getInfo() == ["B2", "B3", "B4"]
    assert ee.Image.cat([one, two, one]).bandNames().getInfo() == ["B2", "B3", "B3_1", "B4", "B2_1", "B3_2"]


def test_types_follow_the_catalogue_and_the_casts(ee: Any, scene: Any) -> None:
    assert types(ee.Image(S1)) == {"VV": "double", "VH": "double"}
    assert types(ee.Image(DW))["label"] == "int0..255"
    assert types(scene.select("B2").toUint8()) == {"B2": "int0..255"}
    assert types(scene.select(["B2", "B3"]).cast({"B3": "float", "new": "int16"})) == {
        "B2": "int0..65535", "B3": "float", "new": "int-32768..32767",
    }  # fmt: skip
    assert list(types(scene.select(["B2", "B3"]).cast({"B3": "float"}, ["B3", "B2"]))) == ["B3", "B2"]


def test_unmask_widens_the_type_to_hold_the_fill(ee: Any, scene: Any) -> None:
    band = scene.select("B2")
    assert types(band.unmask(0)) == {"B2": "int0..65535"}
    assert types(band.unmask(-1)) == {"B2": "int-1..65535"}
    assert types(band.unmask(0.5)) == {"B2": "double"}
    assert types(band.toFloat().unmask(-9999)) == {"B2": "float"}


def test_projections(ee: Any, scene: Any) -> None:
    native = scene.select("B2").projection()
    assert native.getInfo() == {
        "type": "Projection", "crs": "EPSG:32633", "transform": [10, 0, 499980, 0, -10, 5300040],
    }  # fmt: skip
    assert native.nominalScale().getInfo() == 10
    assert native.atScale(20).getInfo()["transform"] == [20, 0, 499980, 0, -20, 5300040]
    assert native.crs().getInfo() == "EPSG:32633"
    coarse = scene.select("B2").reproject("EPSG:32633", None, 30)
    assert coarse.projection().nominalScale().getInfo() == pytest.approx(30)
    assert ee.Image(1).projection().getInfo()["crs"] == "EPSG:4326"
    assert ee.Image(1).setDefaultProjection("EPSG:32633", None, 5).projection().nominalScale().getInfo() == 5
    with pytest.raises(ee.EEException, match="'EPSG:nowhere' could not be parsed"):
        ee.Projection("EPSG:nowhere").getInfo()


def test_casts_truncate_and_clamp(ee: Any, pixels: Callable[..., Any]) -> None:
    one = PixelGrid(32633, 500_000.0, 5_300_000.0, 1, 1)
    values = [-1.9, -0.1, 2.9, 300.0]
    image = ee.Image(values)
    assert list(pixels(image.toUint8(), one)[0, 0]) == [0, 0, 2, 255]
    assert list(pixels(image.toInt8(), one)[0, 0]) == [-1, 0, 2, 127]
    assert list(pixels(image.toFloat(), one)[0, 0]) == [np.float32(v) for v in values]


def test_masked_labels_take_the_fill_everywhere(ee: Any, pixels: Callable[..., Any], extent: PixelGrid) -> None:
    label = ee.Image(DW).select("label").unmask(255, False).toUint8()
    got = pixels(label, HOLE)["label"]
    assert (got[2:22, 2:22] == 255).all()
    assert (got != 255).sum() == 24 * 24 - 400
    edge = PixelGrid(32633, extent.left_m - 50, extent.top_m + 50, 10, 10)
    outside = pixels(label, edge)["label"]
    assert (outside[:5] == 255).all()
    assert (outside[5:, 5:] != 255).all()


def test_unmask_stays_within_the_footprint_unless_told(ee: Any, pixels: Callable[..., Any], extent: PixelGrid) -> None:
    label = ee.Image(DW).select("label").unmask(9)
    assert (pixels(label, HOLE)["label"][2:22, 2:22] == 9).all()
    edge = PixelGrid(32633, extent.left_m - 50, extent.top_m + 50, 10, 10)
    assert (pixels(label.unmask(7, False), edge)["label"][:5] == 7).all()


def test_masks(ee: Any, pixels: Callable[..., Any]) -> None:
    label = ee.Image(DW).select("label")
    mask = pixels(label.mask(), HOLE)["label"]
    assert (mask == 0).sum() == 400
    band = ee.Image(S2).select("B2").updateMask(label.mask()).unmask(1, False)
    assert (pixels(band, HOLE)["B2"] == 1).sum() == 400


def test_masked_pixels_that_nobody_filled_read_zero(ee: Any, pixels: Callable[..., Any]) -> None:
    band = ee.Image(S2).select("B2").updateMask(ee.Image(DW).select("label").mask())
    assert (pixels(band, HOLE)["B2"][2:22, 2:22] == 0).all()


def test_a_band_that_a_cast_adds_is_masked(ee: Any, pixels: Callable[..., Any]) -> None:
    image = ee.Image(S2).select(["B2"]).cast({"none": "int16"}).unmask(7, False)
    assert (pixels(image, HOLE)["none"] == 7).all()
