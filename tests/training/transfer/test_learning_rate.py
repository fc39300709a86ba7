import warnings
from collections.abc import Callable

import pytest
import torch
from torch import nn

from training.encoders.catalogue import encoder_spec
from training.encoders.ssl4eo_scaling import ssl4eo_input
from training.transfer.form import Form
from training.transfer.learning_rate import FACTOR, build_optimizer, learning_rate, parameter_groups, set_learning_rate
from training.transfer.network import TransferNetwork, build_transfer_network
from training.transfer.settings import Framework, TransferSettings

Small = Callable[..., TransferSettings]


def network(framework: Framework, encoder: str = "tu-resnet10t") -> TransferNetwork:
    form = Form(framework, encoder, 5, (16, 16, 8, 8, 8) if framework == "unet" else None)
    return build_transfer_network(form, encoder_spec("random"), ssl4eo_input("s1", None), 3)


def test_the_rate_falls_along_a_cosine_and_stays() -> None:
    settings = TransferSettings()
    rates = [learning_rate(settings, epoch) for epoch in range(50)]
    optimizer = torch.optim.Adam([nn.Parameter(torch.zeros(1))], lr=5e-4)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=40, eta_min=1e-5)
    for epoch in range(40):
        assert rates[epoch] == pytest.approx(theirs.get_last_lr()[0], rel=1e-6)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that no step is taken between two epochs
            theirs.step()
    assert rates[0] == 5e-4
    assert rates[20] == pytest.approx((5e-4 + 1e-5) / 2)
    assert rates[40:] == [1e-5] * 10


@pytest.mark.parametrize("framework", ["unet", "pspnet", "deeplabv3+", "fpn", "upernet"])
def test_every_parameter_is_in_one_group(framework: Framework) -> None:
    made = network(framework)
    groups = parameter_groups(made, 0.8)
    ids = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(ids) == sorted(id(parameter) for parameter in made.parameters())
    assert [group[FACTOR] for group in groups] == [0.8**depth for depth in range(len(groups))]


@pytest.mark.parametrize("encoder", ["tu-resnet10t", "resnet18"])
def test_a_unet_decays_from_head_to_stem(encoder: str) -> None:
    made = network("unet", encoder)
    depth = {id(p): place for place, group in enumerate(parameter_groups(made, 0.8)) for p in group["params"]}

    def depth_of(start: str) -> int:
        (found,) = {depth[id(p)] for name, p in made.named_parameters() if name.startswith(start)}
        return found

    assert depth_of("segmentation_head.") == 0
    assert [depth_of(f"decoder.blocks.{block}.") for block in range(5)] == [5, 4, 3, 2, 1]
    inner = "encoder.model." if encoder.startswith("tu-") else "encoder."
    assert [depth_of(f"{inner}layer{stage}.") for stage in (4, 3, 2, 1)] == [6, 7, 8, 9]
    assert depth_of(f"{inner}conv1.") == depth_of(f"{inner}bn1.") == 10


def test_a_decoder_without_a_row_of_blocks_is_one_block() -> None:
    made = network("pspnet")
    groups = parameter_groups(made, 0.5)
    assert {id(p) for p in groups[1]["params"]} == {id(p) for p in made.decoder.parameters()}


def test_the_groups_get_their_share_at_every_epoch(small: Small) -> None:
    settings = small(layer_decay=0.8, epochs=8, cosine_epochs=4)
    optimizer = build_optimizer(network("fpn"), settings, fused=False)
    for epoch in (0, 2, 6):
        assert set_learning_rate(optimizer, settings, epoch) == learning_rate(settings, epoch)
        rates = [group["lr"] for group in optimizer.param_groups]
        assert rates == pytest.approx([learning_rate(settings, epoch) * 0.8**d for d in range(len(rates))])
