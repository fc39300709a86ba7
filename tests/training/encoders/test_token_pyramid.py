import pytest
import torch
from segmentation_models_pytorch.decoders.upernet.decoder import UPerNetDecoder

from training.encoders.satmae import GroupVit
from training.encoders.token_pyramid import TokenPyramid, VitSize, as_map

SMALL = VitSize(width=16, depth=8, heads=2)


def small() -> TokenPyramid:
    torch.manual_seed(0)
    return GroupVit(SMALL, group_width=4).eval()


@pytest.mark.parametrize(("height", "width"), [(96, 96), (64, 64), (96, 160)])
def test_features_stand_at_the_strides_that_upernet_takes(height: int, width: int) -> None:
    encoder = small()
    image = torch.rand(2, 10, height, width)
    features = encoder(image)
    assert tuple(feature.shape[1] for feature in features) == encoder.out_channels == (10, 0, 16, 16, 16, 16)
    assert [tuple(f.shape[2:]) for f in features] == [(height // s, width // s) for s in (1, 2, 4, 8, 16, 32)]
    decoder = UPerNetDecoder(encoder_channels=encoder.out_channels, encoder_depth=5, decoder_channels=8).eval()
    assert decoder(features).shape == (2, 8, height // 4, width // 4)


def test_layers_two_four_six_eight_are_taken_the_last_after_the_norm() -> None:
    encoder, kept = small(), []
    for block in encoder.blocks:
        block.register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    with torch.no_grad():
        features = encoder(torch.rand(1, 10, 64, 64))
        assert torch.equal(features[3], as_map(kept[3], 8, 8))  # patches of 8 px: stride 8 is not resized
        deepest = as_map(encoder.norm(kept[7]), 8, 8)
    expected = torch.nn.functional.avg_pool2d(torch.nn.functional.avg_pool2d(deepest, 2), 2)
    assert features[5].shape == expected.shape
    for feature, layer in ((features[2], 1), (features[4], 5)):
        assert feature.mean().item() == pytest.approx(as_map(kept[layer], 8, 8).mean().item(), abs=0.05)


def test_patches_keep_their_place() -> None:
    tokens = torch.arange(1.0, 13.0).reshape(1, 12, 1)  # two groups of 2 x 3 patches
    found = as_map(torch.cat([torch.full((1, 1, 1), 99.0), tokens], dim=1), 2, 3)
    assert found.tolist() == [[[[4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]]


def test_a_frozen_encoder_has_nothing_that_changes() -> None:
    encoder = small().train()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    encoder.requires_grad_(False)
    encoder(torch.rand(1, 10, 64, 64))
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())


def test_every_parameter_learns() -> None:
    encoder = small().train()
    sum(feature.square().sum() for feature in encoder(torch.rand(1, 10, 64, 64))[2:]).backward()
    assert [name for name, p in encoder.named_parameters() if p.requires_grad and p.grad is None] == []


def test_sides_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="32 divides, got 64 x 80"):
        small()(torch.rand(1, 10, 64, 80))
