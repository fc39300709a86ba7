import pytest
import segmentation_models_pytorch as smp
from torch import nn

from training.encoders.blocks import encoder_blocks
from training.encoders.catalogue import encoder_spec
from training.encoders.dofa import Dofa
from training.encoders.satmae import GroupVit
from training.encoders.token_pyramid import VitSize


@pytest.mark.parametrize(
    ("name", "blocks"),
    [("resnet18", 5), ("tu-resnet10t", 5), ("tu-convnext_atto", 5), ("mit_b0", 4), ("efficientnet-b0", 17)],
)
def test_every_parameter_stands_in_one_block(name: str, blocks: int) -> None:
    encoder = smp.encoders.get_encoder(name, in_channels=2, weights=None)
    found = encoder_blocks(encoder)
    assert len(found) == blocks
    names = [name for block in found for name in block]
    assert sorted(names) == sorted(name for name, _ in encoder.named_parameters())


def test_a_resnet_is_its_stem_and_four_stages() -> None:
    encoder = smp.encoders.get_encoder("resnet18", in_channels=2, weights=None)
    stem, *stages = encoder_blocks(encoder)
    assert stem == ("conv1.weight", "bn1.weight", "bn1.bias")
    assert [{name.split(".")[0] for name in stage} for stage in stages] == [{f"layer{i}"} for i in range(1, 5)]


def test_a_vit_is_its_embedding_and_its_layers() -> None:
    stem, *layers = encoder_blocks(GroupVit(VitSize(8, 5, 2), group_width=4))
    assert "patch_embed.2.proj.weight" in stem
    assert "pos_embed" in stem
    assert len(layers) == 5
    assert all(name.startswith("blocks.2.") for name in layers[2])
    assert {"norm.weight", "norm.bias"} <= set(layers[-1])


def test_a_transformer_in_an_embedding_is_no_layer() -> None:
    image = encoder_spec("dofa").input_for("s2", 9)
    stem, *layers = encoder_blocks(Dofa(image, VitSize(128, 3, 2)))
    assert any(name.startswith("patch_embed.weight_generator.transformer_encoder.layers.0.") for name in stem)
    assert all(name.startswith("blocks.0.") for name in layers[0])
    assert len(layers) == 3
    assert not any("pos_embed" in name for block in (stem, *layers) for name in block)


def test_a_module_without_blocks_is_one() -> None:
    assert encoder_blocks(nn.Conv2d(1, 1, 1)) == (("weight", "bias"),)
