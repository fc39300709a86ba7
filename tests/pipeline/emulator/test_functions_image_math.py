from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pipeline.schema.grid import PixelGrid

S2 = "COPERNICUS/S2_HARMONIZED/"
GRID = PixelGrid(32633, 499_980.0 + 2980, 5_300_040.0 - 2980, 24, 24)


def test_arithmetic_is_pixel_by_pixel(ee: Any, pixels: Callable[..., Any]) -> None:
    image = ee.Image(S2 + "S2_b").select(["B2", "B3"])
    plain = pixels(image, GRID)
    index = pixels(image.select("B3").subtract(image.select("B2")).divide(2).add(1), GRID)["B3"]
    np.testing.assert_allclose(index, (plain["B3"].astype(float) - plain["B2"]) / 2 + 1)
    both = pixels(image.multiply(2), GRID)
    assert (both["B2"] == 2.0 * plain["B2"]).all()
    assert (pixels(ee.Image(10).subtract(image), GRID)["B3"] == 10.0 - plain["B3"]).all()


def test_tests_give_zero_and_one(ee: Any, pixels: Callable[..., Any]) -> None:
    label = ee.Image("GOOGLE/DYNAMICWORLD/V1/S2_b").select("label")
    water = label.eq(0)
    got = pixels(water.unmask(3, False).toUint8(), GRID)["label"]
    plain = pixels(label.unmask(255, False), GRID)["label"]
    np.testing.assert_array_equal(got, np.where(plain == 255, 3, plain == 0))
    assert (pixels(water.Not().And(label.lt(3)), GRID)["label"] == ((plain > 0) & (plain < 3))).all()


def test_a_mosaic_takes_the_last_valid_pixel(ee: Any, pixels: Callable[..., Any]) -> None:
    label = ee.Image("GOOGLE/DYNAMICWORLD/V1/S2_b").select("label")
    top = ee.ImageCollection([ee.Image(100).rename("label"), label]).mosaic()
    got = pixels(top, GRID)["label"]
    assert (got[2:22, 2:22] == 100).all()
    assert (got != 100).sum() == 24 * 24 - 400
    bottom = ee.ImageCollection([label, ee.Image(100).rename("label")]).mosaic()
    assert (pixels(bottom, GRID)["label"] == 100).all()


def test_to_bands_names_bands_by_image(ee: Any, pixels: Callable[..., Any]) -> None:
    images = [ee.Image(S2 + name).select(["B2", "B4"]) for name in ("S2_b", "S2_c")]
    assert ee.ImageCollection(images).toBands().bandNames().getInfo() == ["0_B2", "0_B4", "1_B2", "1_B4"]
    found = (
        ee.ImageCollection("COPERNICUS/S2_HARMONIZED")
        .filterBounds(ee.Geometry.Point([15.03, 47.83]))
        .filterDate("2021-03-05", "2021-04-01")
        .select("B2")
        .toBands()
    )
    assert pixels(found, GRID).dtype.names == ("S2_b_B2", "S2_c_B2")


def test_an_empty_collection_makes_no_image(ee: Any) -> None:
    none = ee.ImageCollection("COPERNICUS/S2_HARMONIZED").filter(ee.Filter.eq("system:index", "no"))
    with pytest.raises(ee.EEException, match="the collection is empty"):
        none.mosaic().getInfo()


def test_a_composite_is_not_resampled(ee: Any) -> None:
    mosaic = ee.ImageCollection([ee.Image(S2 + "S2_b"), ee.Image(S2 + "S2_c")]).mosaic()
    with pytest.raises(ee.EEException, match="resample the images that it is made of"):
        mosaic.resample("bilinear").getInfo()


def test_rounding_gives_the_nearest_integer(ee: Any, pixels: Callable[..., Any]) -> None:
    probability = ee.Image("GOOGLE/DYNAMICWORLD/V1/S2_b").select("water")
    plain = pixels(probability.unmask(0, False), GRID)["water"]
    bytes_ = pixels(probability.multiply(255).round().toUint8().unmask(0, False), GRID)["water"]
    assert bytes_.dtype == np.uint8
    assert np.abs(bytes_ - 255.0 * plain).max() <= 0.5 + 1e-4
    assert len(np.unique(bytes_)) > 1
