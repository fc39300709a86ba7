from pathlib import Path

import pytest
import torch

from pipeline.schema.errors import UsageError
from training.encoders.catalogue import ENCODERS, encoder_spec
from training.encoders.spec import EncoderSpec

PAPER = ("scaleMAE", "DOFA", "satMAE", "satMAE++", "random", "Satlas", "DINO", "MoCo", "DeCUR")


@pytest.mark.parametrize("name", [*PAPER, "noldo", "imagenet", "SatMAE++"])
def test_every_name_of_the_paper_is_known_in_any_case(name: str) -> None:
    assert encoder_spec(name).name.lower() == name.lower()


def test_an_unknown_name_gets_near_ones() -> None:
    with pytest.raises(UsageError, match=r"'satmea', which is no known encoder.*satmae"):
        encoder_spec("satmea")


@pytest.mark.parametrize("spec", ENCODERS, ids=lambda spec: spec.name)
def test_an_encoder_is_built_for_the_image_it_takes(spec: EncoderSpec) -> None:
    with torch.device("meta"):
        image = spec.input_for("s2")
        encoder = spec.build(image)
        features = encoder(torch.rand(1, len(image.bands), 64, 96))
    assert [feature.shape[1] for feature in features] == list(encoder.out_channels)
    assert [tuple(f.shape[2:]) for f in features] == [(64 // s, 96 // s) for s in (1, 2, 4, 8, 16, 32)]
    assert spec.backbone == ("ViT-Large" if (spec.architecture or "").startswith("vit_large") else spec.backbone)
    assert spec.source


def test_vits_have_five_stages_only() -> None:
    spec = encoder_spec("DOFA")
    with pytest.raises(UsageError, match="5 stages, not 3; set framework to upernet"):
        spec.build(spec.input_for("s2"), depth=3)


def test_random_weights_take_no_file(tmp_path: Path) -> None:
    spec = encoder_spec("random")
    assert not spec.pretrained
    encoder = spec.build(spec.input_for("s1"), encoder="resnet18", depth=3)
    with pytest.raises(UsageError, match="random weights are not read from a file"):
        spec.load(encoder, tmp_path / "w.pth", "s1")
    assert len(spec.input_for("s2", 9).bands) == 9
    with pytest.raises(UsageError, match="s2_bands is 10"):
        spec.input_for("s2", 10)
