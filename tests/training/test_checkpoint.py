import argparse
import json
from pathlib import Path
from typing import get_args

import pytest
import torch
from torch import Tensor

from pipeline.schema.errors import UsageError
from training.checkpoint import load_weights, published_weights, save_weights
from training.dual_unet import DualUNet, Fusion, build_network
from training.single_unet import build_single
from training.weight_files import read_weights

GOLDEN = Path(__file__).parents[1] / "golden" / "data" / "checkpoint_keys.json"


def small(classes: int = 5, fusion: Fusion = "mid") -> DualUNet:
    return build_network(fusion, "resnet18", (8, 8, 8), s2_bands=3, classes=classes)


def published(network: DualUNet) -> dict[str, Tensor]:
    return {f"net.{name}": tensor for name, tensor in network.state_dict().items()}


def same(one: DualUNet, other: DualUNet) -> bool:
    weights, others = one.state_dict(), other.state_dict()
    return weights.keys() == others.keys() and all(torch.equal(weights[n], others[n]) for n in weights)


@pytest.mark.parametrize("suffix", [".safetensors", ".ckpt"])
def test_weights_come_back_whole(suffix: str, tmp_path: Path) -> None:
    network, path = small().to(memory_format=torch.channels_last), tmp_path / f"w{suffix}"
    network(torch.rand(2, 2, 16, 16), torch.rand(2, 3, 16, 16))
    save_weights(network, path)
    other = small()
    assert not same(network, other)
    report = load_weights(other, path)
    assert same(network, other)
    assert report.loaded == tuple(sorted(published(network)))
    assert report.missing == report.unexpected == ()
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def golden(fusion: str) -> dict[str, list[int]]:
    """Shapes by name of the published checkpoints' state_dict: ResNet-50, 2 + 13 bands, 9 classes."""
    shapes: dict[str, list[int]] = json.loads(GOLDEN.read_text())[fusion]
    return shapes


@pytest.mark.parametrize("fusion", get_args(Fusion))
def test_names_and_shapes_are_those_of_the_published_checkpoints(fusion: Fusion) -> None:
    with torch.device("meta"):
        weights = published_weights(build_network(fusion))
    assert {name: list(tensor.shape) for name, tensor in weights.items()} == golden(fusion)


@pytest.mark.parametrize("fusion", get_args(Fusion))
def test_a_published_checkpoint_is_read_whole(fusion: Fusion, tmp_path: Path) -> None:
    """Of the published names and shapes, its values constant, so that the file is small."""
    state = {
        name: torch.tensor(7) if name.endswith("num_batches_tracked") else torch.tensor(0.5).expand(shape)
        for name, shape in golden(fusion).items()
    }
    options = {"args": argparse.Namespace(mt="unet", cl="ce")}
    content = {"epoch": 199, "pytorch-lightning_version": "1.9.0", "state_dict": state, "hyper_parameters": options}
    torch.save(content, tmp_path / "w.ckpt")
    network = build_network(fusion)
    report = load_weights(network, tmp_path / "w.ckpt")
    assert report.missing == report.unexpected == ()
    assert report.loaded == tuple(sorted(golden(fusion)))
    assert all((p == 0.5).all() for p in network.parameters())
    assert all((b == 7).all() for name, b in network.named_buffers() if name.endswith("num_batches_tracked"))


@pytest.mark.parametrize("fusion", get_args(Fusion))
@pytest.mark.parametrize("suffix", [".safetensors", ".ckpt"])
def test_names_on_disk_are_the_published_ones(suffix: str, fusion: Fusion, tmp_path: Path) -> None:
    network = small(fusion=fusion)
    save_weights(network, path := tmp_path / f"w{suffix}")
    written = read_weights(path)
    assert {name for name in written if ".layer" not in name} <= golden(fusion).keys()
    assert written.keys() == {f"net.{name}" for name in network.state_dict()}


def test_weights_of_one_modality_have_the_names_of_one_unet(tmp_path: Path) -> None:
    """So that the Sentinel-2 half of a middle-fusion checkpoint fits, and its Sentinel-1 encoder is left over."""
    network, single = small(), build_single("s2", "resnet18", (8, 8, 8), bands=3, classes=5)
    save_weights(network, tmp_path / "w.ckpt")
    report = load_weights(single, tmp_path / "w.ckpt")
    assert report.missing == ()
    assert report.unexpected
    assert all(name.startswith("net.encoder1.") for name in report.unexpected)
    assert torch.equal(single.encoder.conv1.weight, network.encoder.conv1.weight)


def test_bare_state_dict_without_prefix_is_read(tmp_path: Path) -> None:
    network, other = small(), small()
    torch.save(network.state_dict(), tmp_path / "w.pt")
    assert len(load_weights(other, tmp_path / "w.pt").loaded) == len(network.state_dict())
    assert same(network, other)


def test_every_missing_and_unexpected_name_is_told(tmp_path: Path) -> None:
    weights = published(small())
    for name in ("net.segmentation_head.0.bias", "net.encoder1.conv1.weight"):
        del weights[name]
    weights |= {"net.encoder_com.conv1.weight": torch.zeros(1), "criterion.weight": torch.zeros(9)}
    torch.save({"state_dict": weights}, tmp_path / "w.ckpt")
    network = small()
    bias = network.segmentation_head[0].bias.clone()
    report = load_weights(network, tmp_path / "w.ckpt")
    assert report.missing == ("net.encoder1.conv1.weight", "net.segmentation_head.0.bias")
    assert report.unexpected == ("criterion.weight", "net.encoder_com.conv1.weight")
    assert len(report.loaded) == len(published(network)) - 2
    assert torch.equal(network.segmentation_head[0].bias, bias)
    assert report.lines() == [
        f"{len(report.loaded)} weights loaded, 2 missing, 2 unexpected",
        "  missing, left as it was: net.encoder1.conv1.weight",
        "  missing, left as it was: net.segmentation_head.0.bias",
        "  unexpected, not used: criterion.weight",
        "  unexpected, not used: net.encoder_com.conv1.weight",
    ]


def test_another_shape_is_refused_and_nothing_is_loaded(tmp_path: Path) -> None:
    save_weights(small(classes=7), tmp_path / "w.safetensors")
    network, before = small(), small()
    before.load_state_dict(network.state_dict())
    with pytest.raises(UsageError, match=r"2 weights.*head.0.bias \[7\], not \[5\]") as error:
        load_weights(network, tmp_path / "w.safetensors")
    assert "\n" not in str(error.value)
    assert same(network, before)


def test_weights_of_another_fusion_are_refused(tmp_path: Path) -> None:
    save_weights(small(fusion="late"), tmp_path / "w.ckpt")
    with pytest.raises(UsageError, match=r"none of its .* net\.model1.*, the network net\.decoder.*fusion"):
        load_weights(small(), tmp_path / "w.ckpt")
