import json
from pathlib import Path

import pytest

from pipeline.schema.errors import UsageError
from training.encoders.catalogue import encoder_spec
from training.transfer.form import backbone_name, settle_form
from training.transfer.settings import TransferSettings

NOLDO, RANDOM, MOCO = (encoder_spec(name) for name in ("noldo", "random", "moco"))


def test_the_papers_forms() -> None:
    psp = settle_form(TransferSettings(framework="pspnet", source="random"), RANDOM, None)
    assert (psp.encoder, psp.depth, psp.decoder_channels) == ("resnet50", 3, None)
    unet = settle_form(TransferSettings(framework="unet", source="random"), RANDOM, None)
    assert (unet.depth, unet.decoder_channels) == (5, (256, 128, 64, 32, 16))
    assert backbone_name(RANDOM, unet) == "ResNet50"
    assert backbone_name(encoder_spec("dofa"), unet) == "ViT-Large"


def test_what_is_left_open_is_that_of_the_pretraining(tmp_path: Path) -> None:
    settings = {"encoder": "tu-resnet10t", "decoder_channels": [16, 8, 8]}
    (tmp_path / "run.json").write_text(json.dumps({"settings": settings}))
    weights = tmp_path / "weights.safetensors"
    alone = settle_form(TransferSettings(), NOLDO, weights)
    assert (alone.encoder, alone.depth, alone.decoder_channels) == ("tu-resnet10t", 5, (256, 128, 64, 32, 16))
    assert backbone_name(NOLDO, alone) == "ResNet10t"
    with_decoder = settle_form(TransferSettings(load="encoder+1"), NOLDO, weights)
    assert (with_decoder.depth, with_decoder.decoder_channels) == (3, (16, 8, 8))
    with pytest.raises(UsageError, match="encoder is 'resnet18', but the weights of NoLDO are of 'tu-resnet10t'"):
        settle_form(TransferSettings(encoder="resnet18"), NOLDO, weights)


def test_contradictions_are_refused() -> None:
    with pytest.raises(UsageError, match="the weights of MoCo are of 'resnet50'"):
        settle_form(TransferSettings(encoder="resnet18", source="moco"), MOCO, None)
    with pytest.raises(UsageError, match="decoder_channels has 3 numbers, but encoder_depth is 5"):
        settle_form(TransferSettings(decoder_channels=(8, 8, 8), encoder_depth=5), RANDOM, None)
