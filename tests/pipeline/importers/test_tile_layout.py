from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from pipeline.importers.dfc2020 import DFC2020
from pipeline.importers.noldo_tiles import NOLDO_DW, NOLDO_OSM
from pipeline.importers.tile_layout import read_tile, recoded
from pipeline.importers.tile_raster import BadTileError, decode_tile_raster
from pipeline.schema.grid import PixelGrid


def tif(bands: np.ndarray, grid: PixelGrid, names: tuple[str, ...] = ()) -> bytes:
    count, height, width = bands.shape
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            count=count,
            height=height,
            width=width,
            dtype=bands.dtype,
            crs=f"EPSG:{grid.epsg}",
            transform=Affine(*grid.affine),
        ) as file:
            file.write(bands)
            for at, name in enumerate(names, 1):
                file.set_band_description(at, name)
        return bytes(memory.read())


GRIDS = st.builds(
    lambda south, zone, left, top, px: PixelGrid(32600 + 100 * south + zone, left * 10.0, top * 10.0, px, px),
    st.integers(0, 1),
    st.integers(1, 60),
    st.integers(10_000, 90_000),
    st.integers(0, 999_999),
    st.integers(1, 12),
)


@settings(max_examples=30, deadline=None)
@given(grid=GRIDS, seed=st.integers(0, 999), wide=st.sampled_from([np.uint8, np.uint16, np.int16]))
def test_labels_come_through_pixel_for_pixel(grid: PixelGrid, seed: int, wide: type) -> None:
    rng, px = np.random.default_rng(seed), grid.width_px
    dw = rng.integers(0, 11, (1, px, px)).astype(wide)
    osm = rng.integers(0, 14, (1, px, px)).astype(wide)
    s2, s1 = rng.integers(0, 65_536, (13, px, px), dtype=np.uint16), rng.normal(-10, 5, (2, px, px)).astype(np.float32)
    files = {"s1": tif(s1, grid), "s2": tif(s2, grid), "dw": tif(dw, grid), "osm": tif(osm, grid)}
    arrays, found = read_tile(files, replace(NOLDO_OSM, sides=frozenset({px})))
    assert found == grid
    np.testing.assert_array_equal(arrays["s2"], s2)
    np.testing.assert_array_equal(arrays["s1"], s1)
    np.testing.assert_array_equal(
        arrays["dw"], [[255 if v in (0, 10) else v - 1 for v in row] for row in dw[0].tolist()]
    )
    np.testing.assert_array_equal(arrays["osm"], [[v or 255 for v in row] for row in osm[0].tolist()])


def test_the_experts_band_counts_where_a_label_file_has_two() -> None:
    grid = PixelGrid(32633, 500_000.0, 5_000_000.0, 4, 4)
    model, experts = np.full((4, 4), 7, np.uint8), np.full((4, 4), 3, np.uint8)
    for bands, names in (((model, experts), ()), ((experts, model), ("lulc", "label"))):
        raster = decode_tile_raster(tif(np.stack(bands), grid, names), "dw")
        assert (NOLDO_DW.classes["dw"](raster, "dw") == 2).all()


def test_padding_of_the_published_scripts_is_no_measurement() -> None:
    grid = PixelGrid(32633, 500_000.0, 5_000_000.0, 4, 4)
    s1 = np.full((2, 4, 4), -10.0)
    s1[:, 0, 0], s1[0, 1, 1], s1[1, 2, 2] = 0.0, 0.0, np.nan
    files = {"s1": tif(s1, grid), "s2": tif(np.ones((13, 4, 4), np.uint16), grid)}
    files["dfc"] = tif(np.ones((1, 4, 4), np.uint8), grid)
    arrays, _ = read_tile(files, replace(DFC2020, sides=frozenset({4})))
    unseen = np.zeros((4, 4), bool)
    unseen[0, 0] = unseen[2, 2] = True
    np.testing.assert_array_equal(arrays["s1"] == -9999.0, [unseen, unseen])
    assert arrays["s1"][0, 1, 1] == 0.0


@pytest.mark.parametrize("strange", [-1, 9, 300, 1.5, float("nan")])
def test_codes_that_are_no_class_are_named(strange: float) -> None:
    with pytest.raises(BadTileError, match=f"dw holds {strange:g}"):
        recoded(np.array([[1.0, strange]]), {1: 0}, "dw")


@pytest.mark.parametrize(
    ("layout", "path", "expected"),
    [
        (NOLDO_DW, "a/dw_train/image_s1/s1_-1.5_2-20200102.tif", ("train", "dw_-1.5_2-20200102", "s1")),
        (NOLDO_DW, "dw_test/label_dw/dw_-1p5_2p5-20200102.tif", ("test", "dw_-1p5_2p5-20200102", "dw")),
        (NOLDO_DW, "osm_test/label_dw/dw_-1_2-20200102.tif", None),
        (NOLDO_OSM, "x/osm_train_large/label_osm/osm_1_2-20200102.tif", ("train", "dw_1_2-20200102", "osm")),
        (NOLDO_OSM, "osm_test/readme.txt", None),
        (DFC2020, "validation/s1_val/ROIs0000_validation_s1_0_p2.tif", ("train", "ROIs0000_validation_p2", "s1")),
        (DFC2020, "ROIs0000_test_dfc_0_p0.tif", ("test", "ROIs0000_test_p0", "dfc")),
        (DFC2020, "ROIs0000_test_lc_0_p0.tif", None),
    ],
)  # fmt: skip
def test_files_are_known_by_their_paths(layout: object, path: str, expected: tuple[str, str, str] | None) -> None:
    placed = layout.place(path)  # type: ignore[attr-defined]
    assert (None if placed is None else (placed.split, placed.tile_id, placed.role)) == expected


@settings(max_examples=30, deadline=None)
@given(at=st.integers(0, 700), value=st.integers(0, 255), cut=st.integers(0, 3000), role=st.sampled_from(["s1", "dfc"]))
def test_damage_is_told_in_one_line_and_nothing_else_comes_of_it(at: int, value: int, cut: int, role: str) -> None:
    grid = PixelGrid(32633, 500_000.0, 5_000_000.0, 8, 8)
    files = {
        "s1": tif(np.full((2, 8, 8), -10.0), grid),
        "s2": tif(np.ones((13, 8, 8), np.uint16), grid),
        "dfc": tif(np.ones((1, 8, 8), np.uint8), grid),
    }
    damaged = bytearray(files[role])
    damaged[at % len(damaged)] = value
    layout = replace(DFC2020, sides=frozenset({8}))
    try:
        arrays, _ = read_tile(files | {role: bytes(damaged[: cut or None])}, layout)
    except BadTileError as error:
        said, shapes = str(error), None
    else:
        said, shapes = "", {name: values.shape for name, values in arrays.items()}
    assert "\n" not in said
    assert shapes in (None, {"s2": (13, 8, 8), "s1": (2, 8, 8), "dfc": (8, 8)})


def test_numbers_too_large_for_float32_are_no_backscatter() -> None:
    grid = PixelGrid(32633, 500_000.0, 5_000_000.0, 8, 8)
    files = {"s1": tif(np.full((2, 8, 8), 1e300), grid), "s2": tif(np.ones((13, 8, 8), np.uint16), grid)}
    with pytest.raises(BadTileError, match="s1 holds 1e\\+300, which is no dB"):
        read_tile(files | {"dfc": files["s2"]}, replace(DFC2020, sides=frozenset({8})))
