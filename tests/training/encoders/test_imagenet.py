from pathlib import Path

import pytest
import torch
from torchvision.models import resnet18

from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.errors import UsageError
from training.encoders.imagenet import IMAGENET
from training.modality import Modality


def photographs_weights(path: Path) -> torch.nn.Module:
    torch.manual_seed(0)
    network = resnet18()
    torch.save(network.state_dict(), path)
    return network


def test_three_bands_compute_what_torchvisions_network_does(tmp_path: Path) -> None:
    original = photographs_weights(tmp_path / "w.pth").eval()
    image = IMAGENET.input_for("s2")
    assert image.bands == ("B4", "B3", "B2")
    encoder = IMAGENET.build(image, encoder="resnet18").eval()
    report = IMAGENET.load(encoder, tmp_path / "w.pth", "s2")
    assert report.missing == ()
    assert report.unexpected == ("fc.bias", "fc.weight")
    picture = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        deepest = encoder(picture)[-1]
        assert torch.equal(original.fc(deepest.mean(dim=(2, 3))), original(picture))


@pytest.mark.parametrize(("modality", "bands"), [("s2", 13), ("s2", 9), ("s1", None)])
def test_more_bands_repeat_the_filters_of_the_colours(modality: Modality, bands: int | None, tmp_path: Path) -> None:
    filters = photographs_weights(tmp_path / "w.pth").state_dict()["conv1.weight"]
    image = IMAGENET.input_for(modality, bands)
    encoder = IMAGENET.build(image, encoder="resnet18")
    assert IMAGENET.load(encoder, tmp_path / "w.pth", modality).missing == ()
    widened, count = encoder.state_dict()["conv1.weight"], len(image.bands)
    assert widened.shape[1] == count
    for i in range(count):
        torch.testing.assert_close(widened[:, i], filters[:, i % 3] * 3 / count)


def test_every_band_stands_once_and_colours_come_first() -> None:
    image = IMAGENET.input_for("s2", 13)
    assert image.bands[:3] == ("B4", "B3", "B2")
    assert sorted(image.bands) == sorted(S2_BANDS)
    assert IMAGENET.input_for("s1").bands == S1_BANDS


def test_a_picture_is_standardised_by_imagenets_figures() -> None:
    grey = torch.full((1, 13, 1, 1), 3558.0)
    found = IMAGENET.input_for("s2").prepare(grey, S2_BANDS)[0, :, 0, 0].tolist()
    assert found == pytest.approx([(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225])


def test_another_number_of_bands_is_refused() -> None:
    with pytest.raises(UsageError, match="s2_bands is 10, but ImageNet takes 3, 9, 13"):
        IMAGENET.input_for("s2", 10)
