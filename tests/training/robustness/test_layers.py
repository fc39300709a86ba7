"""Layers are found by what they give, and batch norms by what depends on them."""

import pytest
import torch

from training.robustness.layers import Layer, batch_norm_layers, watched
from training.single_unet import build_single

NAMES = [*(f"encoder {n}" for n in range(1, 4)), *(f"decoder {n}" for n in range(1, 4)), "head"]


def test_layers_come_in_the_order_of_an_image_and_anew_with_each() -> None:
    network = build_single("s2", "resnet18", (32, 16, 8)).eval()
    image = torch.rand(2, 13, 64, 64)
    with torch.no_grad():
        stages = network.encoder(image)[1:]
        blocks = [network.decoder.blocks[0](stages[2], 16, 16, skip_connection=stages[1])]
        with watched(network) as seen:
            network(image + 1, image + 1)
            logits = network(image, image)["s2"]
    assert [layer.name for layer in seen] == NAMES
    for feature, expected in zip(seen.values(), [*stages, *blocks], strict=False):
        assert torch.equal(feature, expected)
    assert torch.equal(seen[Layer("head", 1)], logits)


@pytest.mark.parametrize(
    ("encoder", "first", "last"),
    [("resnet18", "encoder.bn1", "encoder.layer2.1.bn2"), ("tu-resnet10t", "encoder.model.conv1.1", "")],
)
def test_a_batch_norm_is_of_the_first_stage_that_depends_on_it(encoder: str, first: str, last: str) -> None:
    network = build_single("s2", encoder, (32, 16, 8)).eval()
    found = batch_norm_layers(network, torch.rand(1, 13, 64, 64))
    assert found[first] == Layer("encoder", 1)
    if last:
        assert found[last] == Layer("encoder", 3)
        assert found["encoder.layer1.0.bn1"] == Layer("encoder", 2)
        assert "encoder.layer4.0.bn1" not in found
    assert found["decoder.blocks.2.conv1.1"] == Layer("decoder", 3)
    assert {layer.name for layer in found.values()} == set(NAMES[:-1])


def test_an_encoder_without_batch_norm_has_none() -> None:
    network = build_single("s1", "tu-convnext_atto", (16, 8, 8, 8), bands=2).eval()
    found = batch_norm_layers(network, torch.rand(1, 2, 64, 64))
    assert {layer.part for layer in found.values()} == {"decoder"}


def test_watching_ends() -> None:
    network = build_single("s2", "resnet18", (32, 16, 8)).eval()
    image = torch.rand(1, 13, 32, 32)
    with torch.no_grad(), watched(network) as seen:
        network(image, image)
    before = dict(seen)
    with torch.no_grad():
        network(image + 1, image + 1)
    assert seen == before
