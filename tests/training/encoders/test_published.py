import argparse
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from pipeline.schema.errors import UsageError
from training.encoders.published import CHECKPOINT_KEYS, load_published

PREFIXES = ("module.q.", "module.", "")


def encoder() -> nn.Module:
    network = nn.Sequential()
    network.add_module("stem", nn.Conv2d(2, 3, 1))
    network.add_module("norm", nn.BatchNorm2d(3))
    return network


def weights(prefix: str = "") -> dict[str, Tensor]:
    return {prefix + name: torch.rand(w.shape).to(w.dtype) for name, w in encoder().state_dict().items()}


@pytest.mark.parametrize("within", [*CHECKPOINT_KEYS, None])
def test_weights_are_found_under_every_key_that_is_published(within: str | None, tmp_path: Path) -> None:
    given, path = weights("module.q."), tmp_path / "w.pth"
    torch.save(given if within is None else {"epoch": 3, "args": argparse.Namespace(lr=1), within: given}, path)
    network = encoder()
    report = load_published(network, path, prefixes=PREFIXES)
    assert all(torch.equal(w, given["module.q." + name]) for name, w in network.state_dict().items())
    assert report.loaded == tuple(sorted(network.state_dict()))
    assert report.missing == report.unexpected == ()


def test_the_first_prefix_that_fits_is_taken_and_all_else_is_told(tmp_path: Path) -> None:
    query, key = weights("module.q."), weights("module.")
    del query["module.q.norm.bias"]
    torch.save({"state_dict": {**key, **query, "module.queue": torch.zeros(2)}}, tmp_path / "w.pth")
    network = encoder()
    report = load_published(network, tmp_path / "w.pth", prefixes=PREFIXES)
    assert torch.equal(network.state_dict()["stem.weight"], query["module.q.stem.weight"])
    assert report.missing == ("norm.bias",)
    assert report.unexpected == tuple(sorted([*key, "module.queue"]))


def test_another_shape_is_refused_and_nothing_is_changed(tmp_path: Path) -> None:
    given = weights()
    given["stem.weight"] = torch.rand(3, 13, 1, 1)
    torch.save(given, tmp_path / "w.pth")
    network = encoder()
    before = {name: w.clone() for name, w in network.state_dict().items()}
    with pytest.raises(UsageError, match=r"stem\.weight \[3, 13, 1, 1\], not \[3, 2, 1, 1\]"):
        load_published(network, tmp_path / "w.pth", prefixes=PREFIXES)
    assert all(torch.equal(w, before[name]) for name, w in network.state_dict().items())


def test_a_file_of_something_else_is_told_in_one_line(tmp_path: Path) -> None:
    torch.save({"other.weight": torch.zeros(1)}, tmp_path / "w.pth")
    with pytest.raises(UsageError, match=r"none of its 1 weights.*module\.q.*it has other\.weight") as refused:
        load_published(encoder(), tmp_path / "w.pth", prefixes=PREFIXES)
    assert "\n" not in str(refused.value)
