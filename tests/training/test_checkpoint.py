import argparse
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from pipeline.schema.errors import UsageError
from training.checkpoint import load_weights, save_weights
from training.dual_unet import DualUNet, build_network


def small(classes: int = 5) -> DualUNet:
    return build_network("mid", "resnet18", (8, 8, 8), s2_bands=3, classes=classes)


def published(network: DualUNet) -> dict[str, Tensor]:
    return {f"net.{name}": tensor for name, tensor in network.state_dict().items()}


def same(one: DualUNet, other: DualUNet) -> bool:
    weights, others = one.state_dict(), other.state_dict()
    return weights.keys() == others.keys() and all(torch.equal(weights[n], others[n]) for n in weights)


def test_weights_come_back_whole(tmp_path: Path) -> None:
    network, path = small().to(memory_format=torch.channels_last), tmp_path / "w.safetensors"
    network(torch.rand(2, 2, 16, 16), torch.rand(2, 3, 16, 16))
    save_weights(network, path)
    other = small()
    assert not same(network, other)
    report = load_weights(other, path)
    assert same(network, other)
    assert report.loaded == tuple(sorted(published(network)))
    assert report.missing == report.unexpected == ()
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


def test_names_on_disk_are_the_published_ones(tmp_path: Path) -> None:
    save_weights(small(), tmp_path / "w.safetensors")
    names = json.loads((Path(__file__).parents[1] / "golden/data/checkpoint_keys.json").read_text())["mid"]
    assert {name for name in load_file(tmp_path / "w.safetensors") if ".layer" not in name} <= names.keys()


@pytest.mark.parametrize("suffix", [".ckpt", ".pt", ".pth"])
def test_lightning_checkpoint_with_its_options_is_read(tmp_path: Path, suffix: str) -> None:
    network, other, path = small(), small(), tmp_path / f"w{suffix}"
    options = {"args": argparse.Namespace(mt="resnet18", lr=5e-3)}
    torch.save({"epoch": 199, "state_dict": published(network), "hyper_parameters": options}, path)
    assert load_weights(other, path).missing == ()
    assert same(network, other)


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


def test_another_shape_is_refused_and_nothing_is_loaded(tmp_path: Path) -> None:
    save_weights(small(classes=7), tmp_path / "w.safetensors")
    network, before = small(), small()
    before.load_state_dict(network.state_dict())
    with pytest.raises(UsageError, match=r"2 weights.*head.0.bias \[7\], not \[5\]") as error:
        load_weights(network, tmp_path / "w.safetensors")
    assert "\n" not in str(error.value)
    assert same(network, before)


class Trap:
    """A pickle that would run code when loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    torch.save({"state_dict": published(small()), "callback": Trap(tmp_path / "sprung")}, tmp_path / "w.ckpt")
    with pytest.raises(UsageError, match="plain weights"):
        load_weights(small(), tmp_path / "w.ckpt")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["w.safetensors", "w.ckpt"])
def test_a_broken_file_is_an_expected_failure(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for content in (b"", b"not weights at all"):
        path.write_bytes(content)
        with pytest.raises(UsageError, match=name):
            load_weights(small(), path)
    if name == "w.ckpt":
        torch.save({"state_dict": published(small())}, path)
    else:
        save_weights(small(), path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(UsageError, match=name):
        load_weights(small(), path)


@pytest.mark.parametrize("content", [{"epoch": 3}, {"state_dict": {}}, [1, 2]], ids=str)
def test_a_file_without_weights_is_an_expected_failure(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(UsageError, match="network weights"):
        load_weights(small(), tmp_path / "w.pt")


def test_wrong_paths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        load_weights(small(), tmp_path / "absent.ckpt")
    (tmp_path / "w.h5").touch()
    with pytest.raises(UsageError, match=r"w\.h5: give a"):
        load_weights(small(), tmp_path / "w.h5")
    with pytest.raises(ValueError, match="safetensors"):
        save_weights(small(), tmp_path / "w.ckpt")
