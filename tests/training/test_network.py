"""Settings decide which network is built, and on how many bands."""

import pytest
import torch

from training.dual_unet import LateFusionUNet, MidFusionUNet
from training.network import network_for
from training.segmenter import Segmenter
from training.settings import PretrainSettings
from training.single_unet import SingleUNet


def network(**changes: object) -> Segmenter:
    small = {"encoder": "resnet18", "decoder_channels": (16, 8, 8)}
    return network_for(PretrainSettings.model_validate({**small, **changes}))


@pytest.mark.parametrize(
    ("settings", "kind", "modalities"),
    [
        ({}, MidFusionUNet, ("s1", "s2")),
        ({"fusion": "late"}, LateFusionUNet, ("s1", "s2")),
        ({"modalities": "s1"}, SingleUNet, ("s1",)),
        ({"modalities": "s2", "fusion": "late"}, SingleUNet, ("s2",)),
    ],
)
def test_the_network_that_was_asked_for(settings: dict[str, str], kind: type, modalities: tuple[str, ...]) -> None:
    found = network(**settings)
    assert type(found) is kind
    assert found.modalities == modalities


@pytest.mark.parametrize("modalities", ["both", "s1", "s2"])
@pytest.mark.parametrize("s2_bands", [13, 9])
def test_it_takes_the_bands_of_the_settings_and_tells_nine_classes(modalities: str, s2_bands: int) -> None:
    found = network(modalities=modalities, s2_bands=s2_bands).eval()
    with torch.inference_mode():
        logits = found(torch.rand(1, 2, 32, 32), torch.rand(1, s2_bands, 32, 32))
    assert {tuple(x.shape) for x in logits.values()} == {(1, 9, 32, 32)}
