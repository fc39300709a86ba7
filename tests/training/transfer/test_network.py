"""Every framework, at the sides of the downstream sets, is what segmentation-models-pytorch builds."""

from typing import get_args

import pytest
import segmentation_models_pytorch as smp
import torch

from pipeline.schema.errors import UsageError
from training.encoders.catalogue import encoder_spec
from training.encoders.ssl4eo_scaling import ssl4eo_input
from training.transfer.form import Form
from training.transfer.network import build_transfer_network
from training.transfer.settings import Framework

RANDOM = encoder_spec("random")
S1 = ssl4eo_input("s1", None)
MODELS = {
    "unet": smp.Unet,
    "pspnet": smp.PSPNet,
    "deeplabv3+": smp.DeepLabV3Plus,
    "fpn": smp.FPN,
    "upernet": smp.UPerNet,
}


def form(framework: Framework, encoder: str = "tu-resnet10t") -> Form:
    channels = (16, 16, 8, 8, 8) if framework == "unet" else None
    return Form(framework, encoder, 3 if framework == "pspnet" else 5, channels)


@pytest.mark.parametrize("framework", get_args(Framework))
def test_any_side_comes_out_as_it_went_in(framework: Framework) -> None:
    network = build_transfer_network(form(framework), RANDOM, S1, 4).eval()
    with torch.no_grad():
        for side in (64, 62, 45):
            assert network(torch.randn(1, 2, side, side)).shape == (1, 4, side, side)


@pytest.mark.parametrize("depth", [3, 4, 5])
@pytest.mark.parametrize("framework", get_args(Framework))
def test_any_depth_gives_a_logit_a_pixel(framework: Framework, depth: int) -> None:
    channels = (16, 16, 8, 8, 8)[:depth] if framework == "unet" else None
    network = build_transfer_network(Form(framework, "tu-resnet10t", depth, channels), RANDOM, S1, 4).eval()
    with torch.no_grad():
        assert network(torch.randn(1, 2, 64, 64)).shape == (1, 4, 64, 64)


@pytest.mark.parametrize("framework", get_args(Framework))
def test_it_computes_what_the_library_computes(framework: Framework) -> None:
    torch.manual_seed(0)
    network = build_transfer_network(form(framework), RANDOM, S1, 4).eval()
    options = {"decoder_channels": (16, 16, 8, 8, 8)} if framework == "unet" else {}
    theirs = MODELS[framework]("tu-resnet10t", encoder_weights=None, in_channels=2, classes=4, **options).eval()
    theirs.load_state_dict(network.state_dict())
    image = torch.randn(1, 2, 64, 64)
    with torch.no_grad():
        assert torch.equal(network(image), theirs(image))


def test_encoders_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="'resnet51', which segmentation-models-pytorch does not know"):
        build_transfer_network(form("fpn", "resnet51"), RANDOM, S1, 4)
    with pytest.raises(UsageError, match="deeplabv3\\+ does not take encoder 'vgg11'"):
        build_transfer_network(form("deeplabv3+", "vgg11"), RANDOM, S1, 4)
    dofa = encoder_spec("dofa")
    with pytest.raises(UsageError, match="DOFA is a vision transformer; set framework to upernet"):
        build_transfer_network(form("fpn", str(dofa.architecture)), dofa, dofa.input_for("s1"), 4)
