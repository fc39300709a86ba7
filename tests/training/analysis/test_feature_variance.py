from collections.abc import Iterator

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import Tensor, nn

from training.analysis.feature_variance import PIXELS_AN_IMAGE, Covariance, feature_variance
from training.encoder import build_encoder


def by_sklearn(sample_NC: Tensor) -> np.ndarray:
    return np.cumsum(PCA(svd_solver="full").fit(sample_NC.double().numpy()).explained_variance_ratio_)


@pytest.mark.parametrize("samples", [200, 9])
def test_accumulated_variance_is_sklearns(samples: int) -> None:
    torch.manual_seed(samples)
    sample_NC = 50.0 + torch.randn(samples, 16) @ torch.randn(16, 16)
    gathered = Covariance(16)
    for part in sample_NC.split(7):
        gathered.add(part)
    found = gathered.accumulated_variance().numpy()
    np.testing.assert_allclose(found, by_sklearn(sample_NC), atol=1e-8)


def test_features_far_from_zero_lose_nothing() -> None:
    torch.manual_seed(0)
    sample_NC = 1e6 + torch.randn(400, 5, dtype=torch.float64)
    gathered = Covariance(5)
    gathered.add(sample_NC)
    np.testing.assert_allclose(gathered.accumulated_variance().numpy(), by_sklearn(sample_NC), atol=1e-6)


def test_constant_features_and_a_single_sample() -> None:
    gathered = Covariance(3)
    gathered.add(torch.ones(1, 3))
    with pytest.raises(ValueError, match="1 samples have no variance"):
        gathered.accumulated_variance()
    gathered.add(torch.ones(4, 3))
    assert gathered.accumulated_variance().tolist() == [1.0, 1.0, 1.0]


def test_every_stage_per_image_is_sklearns_of_the_averaged_features() -> None:
    torch.manual_seed(1)
    encoder = build_encoder("tu-resnet10t", bands=2, depth=5).eval()
    images = torch.rand(12, 2, 64, 64)
    found = {(stage.level, stage.stage): stage for stage in feature_variance(encoder, images.split(5))}
    assert set(found) == {(level, stage) for level in ("image", "pixel") for stage in (1, 2, 3, 4, 5)}
    with torch.no_grad():
        features = encoder(images)[1:]
    for number, feature_BCHW in enumerate(features, start=1):
        stage = found["image", number]
        assert (stage.channels, stage.samples) == (feature_BCHW.shape[1], 12)
        np.testing.assert_allclose(stage.accumulated, by_sklearn(feature_BCHW.mean((2, 3))), atol=1e-6)
        side = feature_BCHW.shape[-1]
        assert found["pixel", number].samples == 12 * min(side * side, PIXELS_AN_IMAGE)
    deepest = features[-1].flatten(2).transpose(1, 2).flatten(0, 1)  # so small that all its pixels are taken
    np.testing.assert_allclose(found["pixel", 5].accumulated, by_sklearn(deepest), atol=1e-6)


class Positions(nn.Module):
    """Features that tell which pixel they are of."""

    def forward(self, image_BCHW: Tensor) -> list[Tensor]:
        return [image_BCHW, image_BCHW]


def test_pixels_are_drawn_once_each_and_alike_for_every_encoder() -> None:
    seen: list[Tensor] = []

    def images() -> Iterator[Tensor]:
        yield torch.arange(400.0).reshape(1, 1, 20, 20).repeat(2, 1, 1, 1)

    original = Covariance.add

    def spy(self: Covariance, sample_NC: Tensor) -> None:
        seen.append(sample_NC)
        original(self, sample_NC)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Covariance, "add", spy)
        first, second = (feature_variance(Positions(), images()) for _ in range(2))
    assert first == second
    drawn = seen[1].reshape(2, PIXELS_AN_IMAGE)
    assert all(len(set(image.tolist())) == PIXELS_AN_IMAGE for image in drawn)
    assert drawn[0].tolist() != drawn[1].tolist()


def test_the_curve_tells_even_from_uneven() -> None:
    torch.manual_seed(0)
    even, uneven = Covariance(8), Covariance(8)
    even.add(torch.randn(5000, 8))
    uneven.add(torch.randn(5000, 8) * torch.tensor([100.0, 1, 1, 1, 1, 1, 1, 1]))
    assert even.accumulated_variance().mean() == pytest.approx(9 / 16, abs=0.02)
    assert uneven.accumulated_variance().mean() > 0.99
