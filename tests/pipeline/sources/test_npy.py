import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema.grid import patch_grid
from pipeline.sources.npy import read_pixels
from pipeline.sources.protocol import LayerRequest, PixelRequest
from pipeline.sources.retry import BrokenAnswerError


def request(size: int = 6) -> PixelRequest:
    layers = (
        LayerRequest("S2/a", ("B2", "B5"), ("s2_B2", "s2_B5"), "uint16", "bilinear", 0),
        LayerRequest("S1/b", ("VV",), ("s1_VV",), "float32", "nearest", -9999.0),
        LayerRequest("DW/c", ("label",), ("dw",), "uint8", "nearest", 255),
    )
    return PixelRequest("here", patch_grid(10, 48, size), layers)


def npy(request: PixelRequest, seed: int = 0) -> tuple[np.ndarray[Any, Any], bytes]:
    dtype = [(name, layer.dtype) for layer in request.layers for name in layer.names]
    table = np.zeros((request.grid.height_px, request.grid.width_px), dtype=dtype)
    for name in table.dtype.names or ():
        table[name] = np.random.default_rng(seed).integers(0, 200, table.shape)
    stream = io.BytesIO()
    np.save(stream, table)
    return table, stream.getvalue()


def test_mixed_dtypes_come_back_by_name() -> None:
    table, body = npy(request())
    arrays = read_pixels(request(), body)
    assert {name: str(array.dtype) for name, array in arrays.items()} == {
        "s2_B2": "uint16", "s2_B5": "uint16", "s1_VV": "float32", "dw": "uint8",
    }  # fmt: skip
    for name, array in arrays.items():
        assert array.flags["C_CONTIGUOUS"]
        np.testing.assert_array_equal(array, table[name])


def test_seasons_of_a_sensor_lie_one_behind_the_other() -> None:
    layers = [
        layer
        for season in range(3)
        for layer in (
            LayerRequest("S2/a", ("B2", "B5"), (f"s2_{season}_B2", f"s2_{season}_B5"), "uint16", "bilinear", 0),
            LayerRequest("S1/b", ("VV",), (f"s1_{season}_VV",), "float32", "nearest", -9999.0),
        )
    ]
    asked = PixelRequest("here", patch_grid(10, 48, 6), tuple(layers))
    table, body = npy(asked)
    arrays = read_pixels(asked, body)
    for dtype, sensor in (("uint16", "s2"), ("float32", "s1")):
        names = [name for name in arrays if name.startswith(sensor)]
        whole = arrays[names[0]].base
        assert isinstance(whole, np.ndarray)
        np.testing.assert_array_equal(
            whole.reshape(len(names), 6, 6), np.stack([table[n] for n in names]).astype(dtype)
        )


@settings(deadline=None, max_examples=60)
@given(share=st.floats(0, 1, exclude_max=True))
def test_pixels_cut_short_anywhere_are_noticed(share: float) -> None:
    _, body = npy(request())
    with pytest.raises(BrokenAnswerError):
        read_pixels(request(), body[: int(share * len(body))])


def test_pixels_of_another_request_are_noticed() -> None:
    _, other_size = npy(request(5))
    _, body = npy(request())
    with pytest.raises(BrokenAnswerError, match="shape"):
        read_pixels(request(), other_size)
    with pytest.raises(BrokenAnswerError):
        read_pixels(request(), body + b"\0")
    radar = LayerRequest("S1/b", ("VV",), ("s1_VV",), "uint8", "nearest", 255)
    layers = (request().layers[0], radar, request().layers[2])
    with pytest.raises(BrokenAnswerError, match="s1_VV arrived as float32"):
        read_pixels(PixelRequest("here", request().grid, layers), body)


@settings(deadline=None, max_examples=40)
@given(
    size=st.integers(1, 19),
    layers=st.lists(st.tuples(st.sampled_from(("uint8", "uint16", "float32")), st.integers(1, 14)), min_size=1),
    seed=st.integers(0, 99),
)
def test_every_band_of_every_layer_comes_back_whole(size: int, layers: list[tuple[str, int]], seed: int) -> None:
    made = tuple(
        LayerRequest("A", tuple("b" * bands), tuple(f"l{at}_{n}" for n in range(bands)), dtype, "nearest", 0)
        for at, (dtype, bands) in enumerate(layers)
    )
    asked = PixelRequest("here", patch_grid(10, 48, size), made)
    table, body = npy(asked, seed)
    arrays = read_pixels(asked, body)
    assert list(arrays) == list(table.dtype.names or ())
    assert all(np.array_equal(array, table[name]) for name, array in arrays.items())


def test_bands_in_another_order_are_noticed() -> None:
    turned = PixelRequest("here", request().grid, request().layers[::-1])
    with pytest.raises(BrokenAnswerError, match="in another order"):
        read_pixels(turned, npy(request())[1])


@pytest.mark.parametrize("body", [b"", b"\x93NUMPY", b"\x93NUMPY\x03\x00", b"{}" * 40, b"\x93NUMPY\x01\x00\x02\x00{}"])
def test_what_is_no_npy_at_all_is_noticed(body: bytes) -> None:
    with pytest.raises(BrokenAnswerError):
        read_pixels(request(), body)


def test_pixels_by_columns_are_noticed() -> None:
    table, _ = npy(request())
    stream = io.BytesIO()
    np.save(stream, np.asfortranarray(table))
    with pytest.raises(BrokenAnswerError):
        read_pixels(request(), stream.getvalue())
