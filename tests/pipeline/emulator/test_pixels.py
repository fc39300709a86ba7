import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import rasterio

from pipeline.emulator.lattice import crs_transformer
from pipeline.schema.bands import S2_BANDS
from pipeline.schema.grid import PixelGrid

S2 = "COPERNICUS/S2_HARMONIZED/S2_b"
COLUMN, ROW = 60, 120
PATCH = PixelGrid(32633, 499_980.0 + 10 * COLUMN, 5_300_040.0 - 10 * ROW, 264, 264)


def places(factor: int, width: int = 264) -> tuple[Any, Any]:
    """Column and row of each patch pixel on the lattice `factor` times as coarse."""
    return np.meshgrid((COLUMN + np.arange(width)) // factor, (ROW + np.arange(width)) // factor)


def test_native_bands_arrive_as_they_are(ee: Any, pixels: Callable[..., Any], formula: Any) -> None:
    got = pixels(ee.Image(S2), PATCH)
    assert got.shape == (264, 264)
    assert got.dtype.names == S2_BANDS
    assert {got.dtype[name] for name in S2_BANDS} == {np.dtype("<u2")}
    for band, factor in (("B2", 1), ("B5", 2), ("B1", 6)):
        np.testing.assert_array_equal(got[band], formula(band, *places(factor)))


def test_bilinear_leaves_ten_metre_bands_and_smooths_the_coarse(
    ee: Any, pixels: Callable[..., Any], formula: Any
) -> None:
    got = pixels(ee.Image(S2).resample("bilinear").toFloat(), PATCH)
    np.testing.assert_array_equal(got["B2"], formula("B2", *places(1)))
    for band, factor in (("B5", 2), ("B1", 6)):
        columns, rows = np.meshgrid((COLUMN + np.arange(264) + 0.5) / factor, (ROW + np.arange(264) + 0.5) / factor)
        np.testing.assert_allclose(got[band], formula(band, columns - 0.5, rows - 0.5), atol=2e-3)


def test_each_scene_is_read_once_a_pixel_size(ee: Any, pixels: Callable[..., Any], served_world: Any) -> None:
    served_world.reads.clear()
    scene = ee.Image(S2)
    s1 = ee.Image("COPERNICUS/S1_GRD/S1_a")
    pixels(ee.Image.cat([scene.resample("bilinear").toFloat(), scene.select("B2"), s1.toFloat()]), PATCH)
    reads = [(asset.split("/")[-1], len(bands), window.pixel_m) for asset, bands, window in served_world.reads]
    assert sorted(reads) == [("S1_a", 2, 10.0), ("S2_b", 3, 60.0), ("S2_b", 4, 10.0), ("S2_b", 6, 20.0)]
    assert max(w.width_px * w.pixel_m for _, _, w in served_world.reads) <= 2640 + 4 * 60


def test_a_grid_in_another_zone_takes_the_pixel_under_each_centre(
    ee: Any, pixels: Callable[..., Any], formula: Any
) -> None:
    x, y = crs_transformer("EPSG:32633", "EPSG:32634").transform(502_000.0, 5_298_000.0)
    grid = PixelGrid(32634, round(x, -1), round(y, -1), 40, 30)
    got = pixels(ee.Image(S2).select("B2"), grid)["B2"]
    easting, northing = grid.centres_m()
    back_x, back_y = crs_transformer("EPSG:32634", "EPSG:32633").transform(*np.meshgrid(easting, northing))
    columns, rows = np.floor((back_x - 499_980) / 10), np.floor((5_300_040 - back_y) / 10)
    np.testing.assert_array_equal(got, formula("B2", columns, rows))


def test_reproject_computes_on_its_own_lattice_first(ee: Any, pixels: Callable[..., Any], formula: Any) -> None:
    coarse = ee.Image(S2).select("B2").reproject("EPSG:32633", [60, 0, 499_980, 0, -60, 5_300_040])
    got = pixels(coarse, PATCH)["B2"]
    columns, rows = places(6)
    np.testing.assert_array_equal(got, formula("B2", columns * 6 + 3, rows * 6 + 3))


def test_reproject_takes_what_resample_left(ee: Any, pixels: Callable[..., Any], formula: Any) -> None:
    lattice = [10, 0, 499_980, 0, -10, 5_300_040]
    band = ee.Image(S2).select("B5").toFloat()
    direct = pixels(band.resample("bilinear"), PATCH)["B5"]
    via = pixels(band.resample("bilinear").reproject("EPSG:32633", lattice), PATCH)["B5"]
    np.testing.assert_array_equal(direct, via)
    plain = pixels(band.reproject("EPSG:32633", lattice), PATCH)["B5"]
    np.testing.assert_array_equal(plain, formula("B5", *places(2)))


def test_a_scale_that_would_fill_the_memory_is_refused(ee: Any, pixels: Callable[..., Any]) -> None:
    with pytest.raises(ee.EEException, match="Reprojection output too large"):
        pixels(ee.Image(S2).select("B2").reproject("EPSG:32633", None, 0.1), PATCH)


def test_band_ids_choose_bands(ee: Any, pixels: Callable[..., Any]) -> None:
    assert pixels(ee.Image(S2), PATCH, bandIds=["B4", "B3"]).dtype.names == ("B4", "B3")


def test_geotiff(ee: Any, pixels: Callable[..., Any]) -> None:
    image = ee.Image(S2).select(["B4", "B3"])
    raw = pixels(image, PATCH, fileFormat="GEO_TIFF")
    with rasterio.open(io.BytesIO(raw)) as dataset:
        assert dataset.crs.to_epsg() == 32633
        assert tuple(dataset.transform)[:6] == PATCH.affine
        assert dataset.descriptions == ("B4", "B3")
        array = pixels(image, PATCH)
        np.testing.assert_array_equal(dataset.read(2), array["B3"])
    with pytest.raises(ee.EEException, match="inconsistent types: float32, uint16"):
        pixels(image.addBands(ee.Image(S2).select("B2").toFloat()), PATCH, fileFormat="GEO_TIFF")


def test_the_limit_on_bytes_is_the_service_s(ee: Any, pixels: Callable[..., Any]) -> None:
    just = PixelGrid(32633, 499_980.0, 5_300_040.0, 2048, 1536)
    image = ee.Image.constant([0] * 16).toUint8()
    assert 2048 * 1536 * 16 == 50_331_648
    assert pixels(image, just).nbytes == 50_331_648
    text = r"Total request size \(53477376 bytes\) must be less than or equal to 50331648 bytes\."
    with pytest.raises(ee.EEException, match=text):
        pixels(ee.Image.constant([0] * 17).toUint8(), just)


def test_the_limits_on_bands_and_sides(ee: Any, pixels: Callable[..., Any]) -> None:
    one = PixelGrid(32633, 500_000.0, 5_300_000.0, 1, 1)
    assert len(pixels(ee.Image.constant([0] * 1024), one, fileFormat="NPY")) > 1024
    with pytest.raises(ee.EEException, match="1025"):
        pixels(ee.Image.constant([0] * 1025), one)
    with pytest.raises(ee.EEException, match="32769x1"):
        pixels(ee.Image(0), PixelGrid(32633, 0.0, 0.0, 32769, 1))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"fileFormat": "PNG"}, "it serves NPY, GEO_TIFF"),
        ({"grid": {}}, "needs a grid"),
        ({"grid": {"crsCode": "EPSG:32633", "affineTransform": {"scaleX": 10}, "dimensions": {"width": 1}}}, "invert"),
        ({"expression": None}, "must compute an image"),
    ],
)
def test_a_request_that_cannot_be_is_refused(
    ee: Any, pixels: Callable[..., Any], change: dict[str, Any], word: str
) -> None:
    change = {**change, **({"expression": ee.Number(1)} if "expression" in change else {})}
    with pytest.raises(ee.EEException, match=word):
        pixels(ee.Image(S2), PATCH, **change)


def test_four_seasons_come_in_one_request(ee: Any, pixels: Callable[..., Any]) -> None:
    layers = []
    for season in range(4):
        s2 = ee.Image(S2).select(list(S2_BANDS), [f"s2_{season}_{b}" for b in S2_BANDS]).resample("bilinear")
        s1 = ee.Image("COPERNICUS/S1_GRD/S1_a").select(["VV", "VH"], [f"s1_{season}_VV", f"s1_{season}_VH"])
        dw = ee.Image("GOOGLE/DYNAMICWORLD/V1/S2_b").select(["label"], [f"dw_{season}"])
        layers += [s2.toUint16().unmask(0, False).toUint16(), s1.toFloat().unmask(-9999, False), dw.unmask(255, False)]
    got = pixels(ee.Image.cat(layers), PATCH)
    assert len(got.dtype.names) == 64
    assert got.nbytes == 264 * 264 * (52 * 2 + 8 * 4 + 4)
