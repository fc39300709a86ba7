import pytest
import torch

from pipeline.schema.errors import UsageError
from training.encoder import build_encoder


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2"])
def test_features_halve_at_each_stage_and_tell_their_channels(name: str) -> None:
    encoder = build_encoder(name, bands=2, depth=4).eval()
    with torch.inference_mode():
        features = encoder(torch.rand(1, 2, 64, 32))
    assert [tuple(f.shape) for f in features] == [(1, c, 64 >> i, 32 >> i) for i, c in enumerate(encoder.out_channels)]
    assert encoder.out_channels[0] == 2
    assert len(features) == 5


@pytest.mark.parametrize(
    ("name", "near"), [("resnet51", "resnet50"), ("tu-resnet10s", "tu-resnet10t"), ("?", "resnet50")]
)
def test_unknown_encoder_is_refused_and_near_names_are_given(name: str, near: str) -> None:
    with pytest.raises(UsageError) as refused:
        build_encoder(name, bands=2, depth=5)
    assert f"encoder is {name!r}" in str(refused.value)
    assert near in str(refused.value)
