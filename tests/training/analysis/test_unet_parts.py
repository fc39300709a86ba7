import pytest
import torch

from pipeline.schema.landcover import N_DW_CLASSES
from training.analysis.unet_parts import modalities_of, part_of, unet_weights
from training.checkpoint import published_weights
from training.modality import Modality
from training.network import network_for
from training.settings import PretrainSettings
from training.unet import build_unet


@pytest.mark.parametrize(
    ("modalities", "fusion", "modality"),
    [("both", "mid", "s1"), ("both", "mid", "s2"), ("both", "late", "s1"), ("both", "late", "s2"), ("s1", "mid", "s1")],
)
def test_the_weights_make_a_unet_that_sees_what_the_network_sees(
    modalities: str, fusion: str, modality: Modality, tiny_settings: PretrainSettings
) -> None:
    settings = tiny_settings.model_copy(update={"modalities": modalities, "fusion": fusion})
    network = network_for(settings).eval()
    bands = {"s1": 2, "s2": 13}[modality]
    unet = build_unet(settings.encoder, settings.decoder_channels, bands, N_DW_CLASSES).eval()
    unet.load_state_dict(unet_weights(published_weights(network), settings, modality))  # strict: neither more nor less
    images = {"s1": torch.rand(1, 2, 64, 64), "s2": torch.rand(1, 13, 64, 64)}
    with torch.no_grad():
        assert torch.equal(unet(images[modality]), network(images["s1"], images["s2"])[modality])


def test_a_modality_that_the_network_does_not_see_is_refused(tiny_settings: PretrainSettings) -> None:
    settings = tiny_settings.model_copy(update={"modalities": "s1"})
    assert modalities_of(settings) == ("s1",)
    with pytest.raises(ValueError, match="sees s1, not s2"):
        unet_weights({}, settings, "s2")


def test_parts_are_told_by_name() -> None:
    names = ("encoder.layer1.0.bn1", "decoder.blocks.0.conv1", "segmentation_head.0")
    assert [part_of(name) for name in names] == ["encoder", "decoder", None]
