"""Labels come out of a tile pixel for pixel; anything that is no tile of a published form is refused in a word."""

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rasterio.crs import CRS
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from pipeline.expert_raster import UnusableRasterError, decode_expert_raster
from pipeline.schema.grid import PixelGrid
from pipeline.schema.landcover import IGNORE

UTM = Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 8_000_000.0)


def geotiff(
    bands: Any, epsg: int | None = 32720, transform: Affine = UTM, names: tuple[str, ...] = (), **options: Any
) -> bytes:
    stack = np.atleast_3d(bands).transpose(2, 0, 1) if np.ndim(bands) == 2 else np.asarray(bands)
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            count=len(stack),
            height=stack.shape[1],
            width=stack.shape[2],
            dtype=stack.dtype,
            crs=None if epsg is None else CRS.from_epsg(epsg),
            transform=transform,
            **options,
        ) as out:
            out.write(stack)
            for number, name in enumerate(names, 1):
                out.set_band_description(number, name)
        return bytes(memory.read())


def plain_tiff(values: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(values).save(out, "TIFF")
    return out.getvalue()


def published(seed: int, side: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 11, (side, side), dtype=np.uint8)


@settings(deadline=None, max_examples=12)
@given(
    seed=st.integers(0, 2**31),
    side=st.sampled_from([510, 512]),
    zone=st.integers(1, 60),
    south=st.booleans(),
    column=st.integers(20_000, 80_000),
    row=st.integers(100_000, 900_000),
    layout=st.sampled_from([{}, {"compress": "deflate", "tiled": True, "blockxsize": 256, "blockysize": 256}]),
)
def test_labels_equal_the_file_pixel_for_pixel_in_every_zone(
    seed: int, side: int, zone: int, south: bool, column: int, row: int, layout: dict[str, Any]
) -> None:
    values, epsg = published(seed, side), (32700 if south else 32600) + zone
    data = geotiff(values, epsg, Affine(10.0, 0.0, column * 10.0, 0.0, -10.0, row * 10.0), **layout)
    found = decode_expert_raster(data)
    assert found.grid == PixelGrid(epsg, column * 10.0, row * 10.0, side, side)
    assert found.labels.dtype == np.uint8
    expected = {0: IGNORE, 10: IGNORE} | {published: published - 1 for published in range(1, 10)}
    assert np.array_equal(found.labels, np.vectorize(expected.get)(values))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
@pytest.mark.parametrize("order", [("lulc", "label"), ("label", "lulc")])
def test_the_experts_band_is_read_whatever_its_place_and_not_the_models(order: tuple[str, ...], dtype: str) -> None:
    experts, model = published(1, 512), np.full((512, 512), 4, dtype=np.uint8)
    stack = np.stack([{"lulc": experts, "label": model}[name] for name in order]).astype(dtype)
    labels = decode_expert_raster(geotiff(stack, names=order)).labels
    assert np.array_equal(labels == IGNORE, (experts == 0) | (experts == 10))
    assert np.array_equal(labels[labels != IGNORE], experts[labels != IGNORE] - 1)


SQUARE = published(2, 510)


@pytest.mark.parametrize(
    ("data", "reason", "detail"),
    [
        (b"no picture", "cannot be read", "not recognized"),
        (bytes(16 * 2**20 + 1), "too large", "16,777,217 bytes"),
        (geotiff(np.zeros((17, 510, 510), np.uint8), names=("lulc",)), "no band of labels", "17 bands"),
        (geotiff(SQUARE)[:4000], "cannot be read", ""),
        (b'<VRTDataset rasterXSize="510" rasterYSize="510"></VRTDataset>', "cannot be read", "not recognized"),
        (geotiff(np.stack([SQUARE] * 4), photometric="RGB"), "no band of labels", "4 bands"),
        (geotiff(np.stack([SQUARE] * 2)), "no band of labels", "not just one of them 'lulc'"),
        (geotiff(np.stack([SQUARE] * 2), names=("lulc", "lulc")), "no band of labels", "2 bands"),
        (geotiff(SQUARE, None), "not in a UTM zone", "no coordinate system"),
        (plain_tiff(SQUARE), "not in a UTM zone", "no coordinate system"),
        (geotiff(SQUARE, 4326), "not in a UTM zone", "EPSG:4326"),
        (geotiff(SQUARE, 3857), "not in a UTM zone", "EPSG:3857"),
        (geotiff(SQUARE, transform=UTM @ Affine.scale(2.0)), "not north-up at 10 m", "20"),
        (geotiff(SQUARE, transform=UTM @ Affine.rotation(5.0)), "not north-up at 10 m", ""),
        (geotiff(SQUARE, transform=Affine(10.0, 0, 0, 0, 10.0, 0)), "not north-up at 10 m", ""),
        (geotiff(SQUARE[:, :500]), "wrong size", "500 x 510"),
        (geotiff(SQUARE[:256, :256]), "wrong size", "256 x 256"),
        (geotiff(np.where(SQUARE == 3, 11, SQUARE)), "unknown class", "11"),
        (geotiff(np.where(SQUARE == 3, np.int16(-1), SQUARE.astype(np.int16))), "unknown class", "-1"),
        (geotiff(np.where(SQUARE == 3, 2.5, SQUARE).astype(np.float32)), "unknown class", "2.5"),
        (geotiff(np.where(SQUARE == 3, np.nan, SQUARE).astype(np.float32)), "unknown class", "nan"),
    ],
)
def test_what_is_no_tile_is_refused_with_a_reason(data: bytes, reason: str, detail: str) -> None:
    with pytest.raises(UnusableRasterError) as refused:
        decode_expert_raster(data)
    assert refused.value.reason == reason
    assert detail in refused.value.detail
    assert "\n" not in str(refused.value)
