import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.errors import UsageError
from training.encoders.spec import InputSpec


def spec(bands: tuple[str, ...] = ("B4", "B2"), clip: bool = True, **figures: tuple[float, ...]) -> InputSpec:
    n = len(bands)
    known = {"low": (0.0,) * n, "high": (1000.0,) * n, "mean": (0.5,) * n, "std": (0.25,) * n} | figures
    return InputSpec(modality="s2", bands=bands, clip=clip, **known)


def test_bands_come_in_the_encoders_order_whatever_the_stores() -> None:
    raw = torch.arange(1, 14, dtype=torch.float32)[None, :, None, None].expand(2, 13, 3, 4)
    image = spec(("B12", "B8A", "B1"), mean=(0.0,) * 3, std=(1.0,) * 3).prepare(raw, S2_BANDS)
    assert image.shape == (2, 3, 3, 4)
    assert [round(value * 1000) for value in image[0, :, 0, 0].tolist()] == [13, 9, 1]
    reversed_store = raw.flip(1)
    again = spec(("B12", "B8A", "B1"), mean=(0.0,) * 3, std=(1.0,) * 3).prepare(reversed_store, S2_BANDS[::-1])
    assert torch.equal(image, again)


@settings(deadline=None, max_examples=50)
@given(st.floats(1, 65535), st.floats(-3000, 500), st.floats(600, 9000), st.booleans())
def test_a_value_is_mapped_clipped_and_standardised(x: float, low: float, high: float, clip: bool) -> None:
    chosen = spec(("B4",), clip, low=(low,), high=(high,), mean=(0.4,), std=(0.2,))
    unit = (x - low) / (high - low)
    unit = min(max(unit, 0.0), 1.0) if clip else unit
    found = chosen.prepare(torch.full((1, 1, 1, 1), x), ("B4",)).item()
    assert found == pytest.approx((unit - 0.4) / 0.2, rel=1e-4, abs=1e-4)


def test_unobserved_pixels_of_sentinel_2_become_the_mean() -> None:
    raw = torch.full((1, 13, 2, 2), 700, dtype=torch.int32)
    raw[0, :, 0, 0] = 0
    raw[0, 1, 1, 1] = 0  # one band alone is dark, not unobserved
    image = spec().prepare(raw, S2_BANDS)
    assert image[0, :, 0, 0].tolist() == [0.0, 0.0]
    assert image[0, 1, 1, 1] == -2.0
    assert image[0, 0, 1, 1] == pytest.approx(0.8)


def test_unobserved_values_of_sentinel_1_become_the_mean() -> None:
    radar = InputSpec("s1", S1_BANDS, (-30.0, -30.0), (0.0, 0.0), True, (0.5, 0.5), (1.0, 1.0))
    raw = torch.tensor([[[[-9999.0, -15.0]], [[-6.0, float("nan")]]]])
    found = radar.prepare(raw, S1_BANDS)[0, :, 0]
    assert found.tolist() == [[0.0, 0.0], [pytest.approx(0.3), 0.0]]
    assert torch.isfinite(found).all()


def test_a_band_that_is_not_stored_is_named() -> None:
    with pytest.raises(UsageError, match=r"takes B2, which the store does not hold: it has B4, B8"):
        spec().prepare(torch.ones(1, 2, 1, 1), ("B4", "B8"))


def test_names_must_fit_the_image() -> None:
    with pytest.raises(ValueError, match=r"expected \(B, 2, H, W\).*\(1, 3, 1, 1\)"):
        spec().prepare(torch.ones(1, 3, 1, 1), ("B4", "B2"))


@pytest.mark.parametrize(
    "figures", [{"low": (1000.0, 0.0)}, {"std": (0.0, 1.0)}, {"mean": (0.5,)}, {"high": (1.0, float("nan"))}]
)
def test_figures_that_cannot_be_are_refused(figures: dict[str, tuple[float, ...]]) -> None:
    with pytest.raises(ValueError, match="B4, B2"):
        spec(**figures)
