"""Patches as GeoTIFF, read back by GDAL."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from pyproj import Transformer

from pipeline.reading import open_patch, save_geotiff
from pipeline.schema.bands import S2_BANDS
from pipeline.schema.errors import UsageError


@pytest.mark.parametrize("location_id", ["0000007", "0000190", "0000052", "0000300"])
def test_every_pixel_lies_where_the_index_puts_it(tree: Any, tmp_path: Path, location_id: str) -> None:
    grid, row = tree.grids[location_id], list(tree.grids).index(location_id)
    save_geotiff(open_patch(tree.root, location_id, 2)["s2"], tmp_path / "s2.tif")
    with rasterio.open(tmp_path / "s2.tif") as file:
        assert file.crs.to_epsg() == grid.epsg
        assert tuple(file.transform)[:6] == grid.affine
        np.testing.assert_array_equal(file.read(), tree.arrays["s2"][row, 2])
        x, y = grid.centres_m()
        assert file.xy(5, 17) == (x[17], y[5])
        lon, lat = Transformer.from_crs(file.crs, 4326, always_xy=True).transform(*file.xy(12, 12))
        assert grid.footprint_lonlat().bounds[1] < lat < grid.footprint_lonlat().bounds[3]
        assert abs(abs(lon) - abs(grid.footprint_lonlat().exterior.coords[0][0])) < 0.005


def test_bands_say_what_they_are(tree: Any, tmp_path: Path) -> None:
    patch, raw = open_patch(tree.root, "0000052", 1), open_patch(tree.root, "0000052", 1, raw=True)
    save_geotiff(patch["s2"], str(tmp_path / "s2.tif"))
    save_geotiff(raw["s2"], tmp_path / "raw.tif")
    with rasterio.open(tmp_path / "s2.tif") as stored, rasterio.open(tmp_path / "raw.tif") as restored:
        assert stored.descriptions == restored.descriptions == S2_BANDS
        assert set(stored.units) == set(restored.units) == {"reflectance x 10000"}
        assert (stored.nodata, restored.nodata) == (None, None)
        assert set(restored.scales) == {1.0}
        told = np.array(stored.offsets)[:, None, None] + np.array(stored.scales)[:, None, None] * stored.read()
        np.testing.assert_allclose(told, restored.read(), rtol=1e-5, atol=1e-3)
        tags = stored.tags()
        assert (tags["location_id"], tags["season"], tags["s2_id"]) == ("0000052", "1", "S2/0000052/1")
        assert tags["s2_datetime"] == "2021-04-13T10:00:01Z"
        assert stored.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


def test_labels_have_colours_names_and_no_data(tree: Any, tmp_path: Path) -> None:
    save_geotiff(open_patch(tree.root, "0000052")["dw"], tmp_path / "dw.tif")
    with rasterio.open(tmp_path / "dw.tif") as file:
        assert (file.nodata, file.descriptions, file.units) == (255, ("dw",), (None,))
        assert file.colormap(1)[1] == (0x39, 0x7D, 0x49, 255)
        assert file.tags(1)["class_6"] == "built area"
        assert not file.read_masks(1)[0, :2].any()


def test_a_part_of_a_patch_keeps_its_place_and_its_bands(tree: Any, tmp_path: Path) -> None:
    patch, grid = open_patch(tree.root, "0000007"), tree.grids["0000007"]
    save_geotiff(patch["s2"].sel(s2_band=["B12", "B2"])[:, 4:9, 6:], tmp_path / "part.tif")
    save_geotiff(patch["s1"].sel(s1_band="VH"), tmp_path / "vh.tif")
    with rasterio.open(tmp_path / "part.tif") as file:
        assert file.descriptions == ("B12", "B2")
        assert file.transform.c == grid.left_m + 60
        assert file.transform.f == grid.top_m - 40
        np.testing.assert_array_equal(file.read(1), tree.arrays["s2"][0, 0, 12, 4:9, 6:])
        b12 = S2_BANDS.index("B12")
        assert file.scales[0] == pytest.approx(4 * patch.s2.attrs["scaling"]["std"][b12] / 255)
    with rasterio.open(tmp_path / "vh.tif") as file:
        assert (file.count, file.descriptions, file.units) == (1, ("VH",), ("dB",))
        assert file.offsets[0] == pytest.approx(-20.19237134 - 2 * 5.91150917)


def test_a_tile_says_what_was_not_observed(tiles: Any, tmp_path: Path) -> None:
    patch = open_patch(tiles.root, "dw_b")
    save_geotiff(patch["s1"], tmp_path / "s1.tif")
    save_geotiff(patch["s2"], tmp_path / "s2.tif")
    with rasterio.open(tmp_path / "s1.tif") as s1, rasterio.open(tmp_path / "s2.tif") as s2:
        assert (s1.nodata, s1.dtypes, s2.nodata, s2.dtypes[0]) == (-9999.0, ("float32", "float32"), 0, "uint16")
        assert "s1_id" not in s1.tags()
        np.testing.assert_array_equal(s1.read(), tiles.arrays["s1"][1])


def test_what_is_no_map_is_refused(tree: Any, tiles: Any, tmp_path: Path) -> None:
    patch = open_patch(tree.root, "0000052")
    with pytest.raises(UsageError, match=r"has dimensions \('x', 'y'\)"):
        save_geotiff(patch["dw"].T, tmp_path / "x.tif")
    with pytest.raises(UsageError, match="evenly spaced"):
        save_geotiff(patch["dw"][:1], tmp_path / "x.tif")
    with pytest.raises(UsageError, match="where it lies on Earth is not known"):
        save_geotiff(open_patch(tiles.root, "dw_nowhere")["dw"], tmp_path / "x.tif")
    assert not (tmp_path / "x.tif").exists()
