import pytest
import torch
from torch import Tensor

from pipeline.schema.errors import UsageError
from training.dual_unet import DualUNet, Fusion, build_network

CHANNELS = (32, 16, 16, 8, 8)


def small(fusion: Fusion) -> DualUNet:
    return build_network(fusion, "resnet18", CHANNELS, s1_bands=2, s2_bands=9, classes=5)


def images() -> tuple[Tensor, Tensor]:
    return torch.rand(2, 2, 64, 32), torch.rand(2, 9, 64, 32)


@pytest.mark.parametrize("fusion", ["mid", "late"])
def test_logits_have_the_images_size(fusion: Fusion) -> None:
    logits = small(fusion)(*images())
    assert tuple(logits) == small(fusion).modalities == ("s1", "s2")
    assert logits["s1"].shape == logits["s2"].shape == (2, 5, 64, 32)


@pytest.mark.parametrize("fusion", ["mid", "late"])
def test_every_weight_learns(fusion: Fusion) -> None:
    network = small(fusion)
    logits_s1, logits_s2 = network(*images()).values()
    (logits_s1.square().sum() + logits_s2.square().sum()).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("fusion", ["mid", "late"])
def test_one_modality_does_not_see_the_other(fusion: Fusion) -> None:
    network = small(fusion).eval()
    s1, s2 = images()
    with torch.inference_mode():
        logits = network(s1, s2)
        logits_s1, logits_s2 = logits["s1"], logits["s2"]
        assert torch.equal(network(s1, 1 - s2)["s1"], logits_s1)
        assert torch.equal(network(1 - s1, s2)["s2"], logits_s2)
        assert torch.equal(network.segment_s1(s1), logits_s1)
        assert torch.equal(network.segment_s2(s2), logits_s2)


def trained_by_s1(fusion: Fusion) -> set[str]:
    network = small(fusion)
    network(*images())["s1"].sum().backward()
    return {name for name, p in network.named_parameters() if p.grad is not None}


def test_middle_fusion_shares_decoder_and_head_and_late_fusion_nothing() -> None:
    assert {name.split(".")[0] for name in trained_by_s1("mid")} == {"encoder1", "decoder", "segmentation_head"}
    assert {name.split(".")[0] for name in trained_by_s1("late")} == {"model1"}


@pytest.mark.parametrize(("fusion", "millions"), [("mid", 56.1), ("late", 65.1)])
def test_parameters_of_the_paper(fusion: Fusion, millions: float) -> None:
    with torch.device("meta"):
        network = build_network(fusion)
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize("depth", [3, 4])
def test_fewer_decoder_blocks_make_a_shallower_network(depth: int) -> None:
    network = build_network("mid", "resnet18", CHANNELS[-depth:], s2_bands=9)
    assert network(*images())["s1"].shape == (2, 9, 64, 32)


def test_unknown_fusion_and_encoder_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'early'.*mid, late"):
        build_network("early")
    with pytest.raises(UsageError, match="'resnet51'"):
        build_network("late", "resnet51")
