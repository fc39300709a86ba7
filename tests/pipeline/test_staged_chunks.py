from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from pipeline.staged_chunks import codecs, decoded, encoded

DTYPES = [np.dtype(np.uint16), np.dtype(np.float32), np.dtype(np.uint8)]


def some(dtype: np.dtype, shape: tuple[int, ...] = (4, 3, 40, 40)) -> NDArray[np.generic]:
    return np.random.default_rng(3).integers(0, 200, shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_chunk_is_what_zarr_makes_of_the_same_values(tmp_path: Path, dtype: np.dtype) -> None:
    values = some(dtype)
    store = zarr.create_array(
        tmp_path / "a", shape=values.shape, chunks=values.shape, dtype=dtype, compressors=list(codecs(dtype))
    )
    store[:] = values
    (chunk,) = (path for path in (tmp_path / "a").rglob("*") if path.is_file() and path.name != "zarr.json")
    assert chunk.read_bytes() == encoded(values)
    np.testing.assert_array_equal(decoded(chunk.read_bytes(), values.shape, dtype), values)
    chunk.write_bytes(encoded(values[::-1]))
    np.testing.assert_array_equal(np.asarray(zarr.open_array(tmp_path / "a", mode="r")[:]), values[::-1])


@settings(deadline=None, max_examples=40)
@given(values=arrays.arrays(st.sampled_from(DTYPES), arrays.array_shapes(max_dims=4, max_side=9)))
def test_any_values_come_back_bit_for_bit(values: NDArray[np.generic]) -> None:
    back = decoded(encoded(values), values.shape, values.dtype)
    assert (back.dtype, back.shape, back.tobytes()) == (values.dtype, values.shape, values.tobytes())
    assert back.flags.writeable


@settings(deadline=None, max_examples=40)
@given(at=st.integers(0, 10**6), bit=st.integers(0, 7), cut=st.integers(0, 10**6))
def test_a_chunk_that_was_changed_or_cut_is_refused(at: int, bit: int, cut: int) -> None:
    values = some(np.dtype(np.uint16), (2, 1, 30, 30))
    chunk = encoded(values)
    flipped = bytearray(chunk)
    flipped[at % len(chunk)] ^= 1 << bit
    for broken in (bytes(flipped), chunk[: cut % len(chunk)]):
        with pytest.raises(ValueError, match=r"checksum|no chunk"):
            decoded(broken, values.shape, values.dtype)


def test_a_chunk_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="holds 8 bytes, expected 12"):
        decoded(encoded(np.zeros(8, np.uint8)), (3,), np.dtype(np.float32))
