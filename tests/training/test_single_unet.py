import pytest
import segmentation_models_pytorch as smp
import torch

from pipeline.schema.errors import UsageError
from training.modality import MODALITIES, Modality
from training.single_unet import SingleUNet, build_single

CHANNELS = (16, 8, 8)
BANDS: dict[Modality, int] = {"s1": 2, "s2": 9}


def small(modality: Modality) -> SingleUNet:
    return build_single(modality, "resnet18", CHANNELS, bands=BANDS[modality], classes=5)


@pytest.mark.parametrize("modality", MODALITIES)
def test_it_segments_its_own_modality_and_does_not_look_at_the_other(modality: Modality) -> None:
    network = small(modality).eval()
    s1, s2 = torch.rand(2, 2, 64, 32), torch.rand(2, 9, 64, 32)
    with torch.inference_mode():
        logits = network(s1, s2)
        other = network(s1, 1 - s2) if modality == "s1" else network(1 - s1, s2)
        own = network(1 - s1, s2) if modality == "s1" else network(s1, 1 - s2)
    assert tuple(logits) == network.modalities == (modality,)
    assert logits[modality].shape == (2, 5, 64, 32)
    assert torch.equal(other[modality], logits[modality])
    assert not torch.equal(own[modality], logits[modality])


def test_weights_have_the_names_and_shapes_of_a_plain_unet() -> None:
    plain = smp.Unet(
        "resnet18", encoder_depth=3, encoder_weights=None, decoder_channels=CHANNELS, in_channels=9, classes=5
    )
    ours = {name: tuple(t.shape) for name, t in small("s2").state_dict().items()}
    assert ours == {name: tuple(t.shape) for name, t in plain.state_dict().items()}


def test_every_weight_learns() -> None:
    network = build_single("s1", "resnet18", (32, 16, 16, 8, 8), bands=2, classes=5)
    network(torch.rand(2, 2, 64, 32), torch.rand(2, 9, 64, 32))["s1"].square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_unknown_modality_and_encoder_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'s3'.*s1, s2"):
        build_single("s3")
    with pytest.raises(UsageError, match="'resnet51'"):
        build_single("s1", "resnet51")
