"""Land-use rasters on disk: their numbers reach the tile's grid unchanged, whatever their system, size and place."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.transform import Affine

from pipeline.osm import osm_labels
from pipeline.osm_rasters import OsmRasters, OsmRasterSettings
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PixelGrid, patch_grid, transformer
from pipeline.schema.landcover import IGNORE

GRID = PixelGrid(32632, 600_000.0, 5_300_000.0, 40, 30)
RNG = np.random.default_rng(5)


def write(path: Path, values: NDArray[Any], crs: str | None, transform: Affine, nodata: float | None = None) -> None:
    bands = values if values.ndim == 3 else values[None]
    with rasterio.open(
        path, "w", driver="GTiff", height=bands.shape[1], width=bands.shape[2], count=bands.shape[0],
        dtype=bands.dtype, crs=crs, transform=transform, nodata=nodata,
    ) as out:  # fmt: skip
        out.write(bands)


def from_origin(left: float, top: float, step_x: float, step_y: float) -> Affine:
    return Affine(step_x, 0.0, left, 0.0, -step_y, top)


def rasters(folder: Path, **more: Any) -> OsmRasters:
    return OsmRasters(OsmRasterSettings(folder=folder, **more))


def labelled(values: NDArray[Any]) -> NDArray[Any]:
    return np.where(values == 0, IGNORE, values)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(-60, 60), st.integers(-60, 60), st.integers(5, 90), st.integers(5, 90), st.sampled_from("BHiI"))
def test_aligned_numbers_come_through_pixel_for_pixel(
    tmp_path: Path, right: int, down: int, width: int, height: int, kind: str
) -> None:
    values = RNG.integers(0, 14, (height, width)).astype(kind)
    left, top = GRID.left_m + 10 * right, GRID.top_m - 10 * down
    write(tmp_path / "a.tif", values, "EPSG:32632", from_origin(left, top, 10, 10))
    expected = np.full((30, 40), IGNORE)
    rows, columns = np.mgrid[0:30, 0:40]
    inside = (rows >= down) & (rows < down + height) & (columns >= right) & (columns < right + width)
    expected[inside] = labelled(values)[rows[inside] - down, columns[inside] - right]
    np.testing.assert_array_equal(osm_labels(GRID, rasters(tmp_path)), expected)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.floats(-175, 175), st.floats(-50, 75), st.sampled_from([4326, 3857, 3035, 32600, 6933]), st.integers(16, 50),
    st.floats(9.0, 60.0), st.floats(-200, 200), st.floats(-200, 200),
)  # fmt: skip
@example(lon=-101.0, lat=0.0, epsg=3035, size=16, step_m=9.0, off_x=0.0, off_y=0.0)  # turned by 13 degrees
def test_in_another_system_every_pixel_takes_the_number_at_its_centre(
    tmp_path: Path, lon: float, lat: float, epsg: int, size: int, step_m: float, off_x: float, off_y: float
) -> None:
    grid = patch_grid(lon, lat, size)
    if epsg == 3035:
        grid = patch_grid(4.0 + lon / 10, 45.0 + lat / 10, size)
    if epsg == 32600:
        epsg = 32601 + (grid.epsg % 100) % 60
    left, bottom, right, top = grid.bounds_m
    to_raster = transformer(grid.epsg, epsg)
    east, north = to_raster.transform((left + right) / 2, (bottom + top) / 2)
    unit = step_m / 111_320.0 if epsg == 4326 else step_m * (1 / np.cos(np.radians(lat)) if epsg == 3857 else 1.0)
    side = 40
    raster_left, raster_top = east + (off_x / 10 - side / 2) * unit, north + (off_y / 10 + side / 2) * unit
    values = RNG.integers(0, 14, (side, side)).astype(np.uint8)
    write(tmp_path / "a.tif", values, f"EPSG:{epsg}", from_origin(raster_left, raster_top, unit, unit))
    x, y = to_raster.transform(*np.meshgrid(*grid.centres_m()))
    across, down = (np.asarray(x) - raster_left) / unit, (raster_top - np.asarray(y)) / unit
    column, row = np.floor(across).astype(int), np.floor(down).astype(int)
    inside = (column >= 0) & (column < side) & (row >= 0) & (row < side)
    expected = np.full((size, size), IGNORE)
    expected[inside] = labelled(values)[row[inside], column[inside]]
    clear = np.minimum(abs(across - np.rint(across)), abs(down - np.rint(down))) > 1e-3
    found = osm_labels(grid, rasters(tmp_path))
    if found_by_nearest(grid, epsg, unit):
        np.testing.assert_array_equal(found[clear], expected[clear])


def found_by_nearest(grid: PixelGrid, epsg: int, unit: float) -> bool:
    """Whether the raster's pixels are too large for the commonest of several to be taken; not near the limit."""
    left, bottom, _, _ = grid.bounds_m
    x, y = transformer(grid.epsg, epsg).transform([left, left + 10, left], [bottom, bottom, bottom + 10])
    area = abs((x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0]))
    return bool(unit**2 > 0.8 * area)


def test_a_finer_raster_gives_the_commonest_class_and_counts_unlabelled_pixels(tmp_path: Path) -> None:
    values = RNG.integers(0, 14, (30, 40)).astype(np.uint8)
    fine = np.repeat(np.repeat(values, 5, axis=0), 5, axis=1)
    fine[1::5, 1::5] = 3  # one of twenty-five says something else
    write(tmp_path / "a.tif", fine, "EPSG:32632", from_origin(GRID.left_m, GRID.top_m, 2, 2), nodata=0)
    np.testing.assert_array_equal(osm_labels(GRID, rasters(tmp_path)), labelled(values))


def test_several_files_are_laid_over_one_another_by_name(tmp_path: Path) -> None:
    first, second = np.full((30, 20), 5, np.uint8), np.full((30, 40), 9, np.uint8)
    first[:5] = 0
    write(tmp_path / "a.tif", first, "EPSG:32632", from_origin(GRID.left_m, GRID.top_m, 10, 10))
    write(tmp_path / "b.tif", second, "EPSG:32632", from_origin(GRID.left_m, GRID.top_m, 10, 10))
    write(tmp_path / "far.tif", second, "EPSG:32655", from_origin(GRID.left_m, GRID.top_m, 10, 10))
    found = osm_labels(GRID, rasters(tmp_path))
    assert (found[5:, :20] == 5).all()
    assert (found[:5] == 9).all()
    assert (found[:, 20:] == 9).all()


@pytest.mark.parametrize("nodata", [None, 255, 99])
def test_no_data_has_no_label(tmp_path: Path, nodata: int | None) -> None:
    values = np.full((30, 40), 7, np.uint8)
    values[3, 4] = 255 if nodata is None else nodata
    write(tmp_path / "a.tif", values, "EPSG:32632", from_origin(GRID.left_m, GRID.top_m, 10, 10), nodata=nodata)
    found = osm_labels(GRID, rasters(tmp_path))
    assert found[3, 4] == IGNORE
    assert (found == 7).sum() == 1199


@pytest.mark.parametrize("kind", ["uint8", "uint16", "int16", "int32", "uint32"])
@pytest.mark.parametrize("step_m", [2, 10])
def test_no_code_stands_for_what_a_raster_does_not_reach(tmp_path: Path, kind: str, step_m: int) -> None:
    here = from_origin(GRID.left_m + 100, GRID.top_m, step_m, step_m)
    for code in (14, 253, 254):
        write(tmp_path / "a.tif", np.full((100, 100), code, kind), "EPSG:32632", here, nodata=0)
        with pytest.raises(UsageError, match=f"holds the code {code}, which is no class"):
            osm_labels(GRID, rasters(tmp_path))
        found = osm_labels(GRID, rasters(tmp_path, classes={code: 3}))
        assert (found[: 10 * step_m, 10 : 10 + 10 * step_m] == 3).all()
        assert (found[:, :9] == IGNORE).all()
        assert (found[10 * step_m + 1 :] == IGNORE).all()


def test_another_code_is_refused_until_the_recipe_says_what_it_means(tmp_path: Path) -> None:
    values = np.full((30, 40), 211, np.uint8)
    write(tmp_path / "a.tif", values, "EPSG:32632", from_origin(GRID.left_m, GRID.top_m, 10, 10))
    with pytest.raises(UsageError, match=r"a.tif holds the code 211, which is no class"):
        osm_labels(GRID, rasters(tmp_path))
    assert (osm_labels(GRID, rasters(tmp_path, classes={211: 3})) == 3).all()
    with pytest.raises(UsageError, match="code 211 is given class 14"):
        rasters(tmp_path, classes={211: 14})


@pytest.mark.parametrize(
    ("values", "crs", "said"),
    [
        (np.zeros((4, 4), np.float32), "EPSG:32632", "1 bands of float32; expected one of whole numbers"),
        (np.zeros((3, 4, 4), np.uint8), "EPSG:32632", "3 bands of uint8"),
        (np.zeros((4, 4), np.uint8), None, "does not say which coordinate system"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, values: NDArray[Any], crs: str | None, said: str) -> None:
    write(tmp_path / "a.tif", values, crs, from_origin(0, 0, 10, 10))
    with pytest.raises(UsageError, match=said):
        rasters(tmp_path)


def test_broken_files_and_empty_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no land-use raster"):
        rasters(tmp_path)
    (tmp_path / "a.tif").write_bytes(b"II*\0 not really")
    with pytest.raises(UsageError, match=r"a.tif cannot be read as a raster"):
        rasters(tmp_path)
