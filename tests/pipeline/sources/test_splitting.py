import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.grid import patch_grid
from pipeline.sources.protocol import LayerRequest, PixelRequest
from pipeline.sources.splitting import MAX_BANDS, MAX_PIXEL_BYTES, PixelLimits, fitted, halved

DTYPES = ("uint8", "uint16", "float32")


def request(*layers: tuple[str, int], size: int = 8) -> PixelRequest:
    """Layers of (dtype, bands)."""
    made = tuple(
        LayerRequest(f"A/{at}", tuple(f"b{n}" for n in range(bands)), tuple(f"l{at}_b{n}" for n in range(bands)),
                     dtype, "nearest", 0)
        for at, (dtype, bands) in enumerate(layers)
    )  # fmt: skip
    return PixelRequest("here", patch_grid(10, 48, size), made)


def four_seasons() -> PixelRequest:
    return request(*[("uint16", 13), ("float32", 2), ("uint8", 1)] * 4, size=264)


def asked(*pieces: PixelRequest) -> list[tuple[str, str, str, str]]:
    return [
        (layer.asset_id, band, name, layer.dtype)
        for piece in pieces
        for layer in piece.layers
        for band, name in zip(layer.bands, layer.names, strict=True)
    ]


def test_four_seasons_are_one_request_within_the_services_limits() -> None:
    whole = four_seasons()
    assert (whole.bands, whole.uncompressed_bytes) == (64, 9_757_440)
    assert fitted(whole) == (whole,)
    assert (MAX_PIXEL_BYTES, MAX_BANDS) == (48 << 20, 1024)


def test_whole_seasons_stay_together_then_whole_sensors() -> None:
    whole = four_seasons()
    for most, layers in ((63, [6, 6]), (31, [3, 3, 3, 3]), (15, [1, 2] * 4), (16, [3] * 4)):
        pieces = fitted(whole, PixelLimits(max_bands=most))
        assert [len(piece.layers) for piece in pieces] == layers
        assert asked(*pieces) == asked(whole)
    assert max(piece.bands for piece in fitted(whole, PixelLimits(max_bands=5))) == 4


@settings(deadline=None, max_examples=200)
@given(
    layers=st.lists(st.tuples(st.sampled_from(DTYPES), st.integers(1, 14)), min_size=1, max_size=12),
    size=st.integers(1, 9),
    max_bytes=st.integers(4 * 81, 20_000),
    max_bands=st.integers(1, 40),
)
def test_every_band_is_asked_for_once_in_order_within_any_limits(
    layers: list[tuple[str, int]], size: int, max_bytes: int, max_bands: int
) -> None:
    whole, limits = request(*layers, size=size), PixelLimits(max_bytes, max_bands)
    pieces = fitted(whole, limits)
    assert asked(*pieces) == asked(whole)
    assert all(limits.hold(piece) and piece.bands for piece in pieces)
    assert all(piece.grid == whole.grid and piece.location_id == "here" for piece in pieces)
    assert fitted(whole, limits) == pieces
    assert len(pieces) == 1 or not limits.hold(whole)


@settings(deadline=None, max_examples=100)
@given(layers=st.lists(st.tuples(st.sampled_from(DTYPES), st.integers(1, 14)), min_size=1, max_size=12))
def test_halves_are_smaller_and_make_up_the_whole(layers: list[tuple[str, int]]) -> None:
    whole = request(*layers)
    halves = halved(whole)
    if halves is None:
        assert whole.bands == 1
        return
    assert asked(*halves) == asked(whole)
    assert all(0 < half.bands < whole.bands for half in halves)


def test_what_lies_beside_the_bands_goes_with_every_piece() -> None:
    layer = LayerRequest("DW/a", ("x", "y"), ("p_x", "p_y"), "uint8", "nearest", 0, factor=255)
    (one,), (other,) = (half.layers for half in halved(PixelRequest("a", patch_grid(10, 48, 4), (layer,))) or ())
    assert one == LayerRequest("DW/a", ("x",), ("p_x",), "uint8", "nearest", 0, factor=255)
    assert other == LayerRequest("DW/a", ("y",), ("p_y",), "uint8", "nearest", 0, factor=255)


def test_a_patch_of_which_one_band_is_too_large_is_refused_for_good() -> None:
    with pytest.raises(
        SourceError, match=r"one band of 50,339,025 bytes; .* 50,331,648 bytes.* smaller patch"
    ) as caught:
        fitted(request(("uint8", 3), size=7095))
    assert caught.value.kind is FailureKind.PERMANENT
