import argparse
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pipeline.schema.errors import UsageError
from training.weight_files import file_sha256, read_weights, write_weights

WEIGHTS = {"net.a.weight": torch.arange(24.0).reshape(1, 2, 3, 4), "net.a.count": torch.tensor(5)}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("suffix", [".safetensors", ".ckpt"])
def test_weights_come_back_whole_and_row_major(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"w{suffix}"
    turned = {"net.a.weight": WEIGHTS["net.a.weight"].to(memory_format=torch.channels_last)}
    write_weights(WEIGHTS | turned, path)
    found = read_weights(path)
    assert same(found, WEIGHTS)
    assert found["net.a.weight"].is_contiguous()
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_part_of_a_tensor_does_not_take_the_whole_along(tmp_path: Path) -> None:
    write_weights({"a": torch.zeros(1_000_000)[:3]}, tmp_path / "w.ckpt")
    assert (tmp_path / "w.ckpt").stat().st_size < 10_000


def test_a_ckpt_is_what_lightning_asks_for(tmp_path: Path) -> None:
    """`load_from_checkpoint` of Lightning 2.6 fails without the version and reads the state_dict."""
    write_weights(WEIGHTS, tmp_path / "w.ckpt")
    content = torch.load(tmp_path / "w.ckpt", weights_only=True)
    assert same(content["state_dict"], WEIGHTS)
    assert content["pytorch-lightning_version"].split(".")[0] == "2"


@pytest.mark.parametrize("suffix", [".ckpt", ".pt", ".pth"])
def test_lightning_checkpoint_with_its_options_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"w{suffix}"
    options = {"args": argparse.Namespace(mt="resnet18", lr=5e-3)}
    torch.save({"epoch": 199, "state_dict": WEIGHTS, "hyper_parameters": options}, path)
    assert same(read_weights(path), WEIGHTS)


class Trap:
    """A pickle that would run code when loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    torch.save({"state_dict": WEIGHTS, "callback": Trap(tmp_path / "sprung")}, tmp_path / "w.ckpt")
    with pytest.raises(UsageError, match=r"plain weights \(Unsupported global: GLOBAL getattr") as error:
        read_weights(tmp_path / "w.ckpt")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["w.safetensors", "w.ckpt"])
def test_a_broken_file_is_an_expected_failure(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for content in (b"", b"not weights at all"):
        path.write_bytes(content)
        with pytest.raises(UsageError, match=name):
            read_weights(path)
    write_weights({"a": torch.rand(1000)}, path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(UsageError, match=name):
        read_weights(path)


@pytest.mark.parametrize("content", [{"epoch": 3}, {"state_dict": {}}, [1, 2]], ids=str)
def test_a_file_without_weights_is_an_expected_failure(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(UsageError, match="network weights"):
        read_weights(tmp_path / "w.pt")


def test_wrong_paths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_weights(tmp_path / "absent.ckpt")
    (tmp_path / "w.h5").touch()
    with pytest.raises(UsageError, match=r"w\.h5: give a"):
        read_weights(tmp_path / "w.h5")
    for name in ("w.pt", "w.bin"):
        with pytest.raises(ValueError, match="safetensors"):
            write_weights(WEIGHTS, tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == ["w.h5"]


def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "w.ckpt").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1.
    assert file_sha256(tmp_path / "w.ckpt") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(UsageError, match=r"none\.ckpt cannot be read \(No such file or directory\)"):
        file_sha256(tmp_path / "none.ckpt")
