"""A vision transformer under UPerNet's decoder: any side, and learning rates from its last layer to its stem."""

from dataclasses import replace

import torch

from training.encoders.scale_mae import SCALE_MAE, ScaleMae
from training.encoders.token_pyramid import VitSize
from training.transfer.form import Form
from training.transfer.learning_rate import parameter_groups
from training.transfer.network import TransferNetwork, build_transfer_network

LAYERS = 8


def network() -> TransferNetwork:
    spec = replace(SCALE_MAE, build_with=lambda *_: ScaleMae(VitSize(16, LAYERS, 2)))
    return build_transfer_network(Form("upernet", str(spec.architecture), 5, None), spec, spec.input_for("s2"), 4)


def test_any_side_comes_out_as_it_went_in() -> None:
    made = network().eval()
    with torch.no_grad():
        for side in (64, 62):
            assert made(torch.randn(1, 3, side, side)).shape == (1, 4, side, side)


def test_its_layers_are_the_blocks_of_the_learning_rate() -> None:
    made = network()
    groups = parameter_groups(made, 0.8)
    place = {id(p): depth for depth, group in enumerate(groups) for p in group["params"]}
    assert sorted(place) == sorted(id(p) for p in made.parameters())
    found = {name: place[id(p)] for name, p in made.encoder.named_parameters()}
    assert [found[f"blocks.{layer}.norm1.weight"] for layer in reversed(range(LAYERS))] == list(range(2, 2 + LAYERS))
    assert found["norm.weight"] == 2
    assert found["patch_embed.proj.weight"] == found["cls_token"] == 2 + LAYERS
