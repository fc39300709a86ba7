import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pipeline.schema.bands import S1_BANDS, S2_BANDS, S2_BANDS_9, S2_SCALING
from pipeline.schema.errors import NoldoError, UsageError
from training.checkpoint import save_weights
from training.dual_unet import build_network
from training.encoders.noldo import NOLDO
from training.encoders.ssl4eo_scaling import ssl4eo_input
from training.modality import Modality
from training.single_unet import build_single

TINY = "tu-test_resnet"

GOLDEN = Path(__file__).parents[2] / "golden" / "data" / "checkpoint_keys.json"


def saved(network: nn.Module, path: Path) -> Path:
    save_weights(network, path)
    return path


def encoder_from(path: Path, modality: Modality) -> nn.Module:
    image = NOLDO.input_for(modality, weights=path)
    encoder = NOLDO.build(image, encoder=TINY, depth=3)
    assert NOLDO.load(encoder, path, modality).missing == ()
    return encoder


def same(one: nn.Module, other: nn.Module) -> bool:
    weights, others = one.state_dict(), other.state_dict()
    return weights.keys() == others.keys() and all(torch.equal(weights[name], others[name]) for name in weights)


@pytest.mark.parametrize("suffix", [".safetensors", ".ckpt"])
def test_each_fusion_gives_each_modality_its_own_encoder(suffix: str, tmp_path: Path) -> None:
    mid = build_network("mid", TINY, (8, 8, 8))
    path = saved(mid, tmp_path / f"mid{suffix}")
    assert same(encoder_from(path, "s1"), mid.encoder1)
    assert same(encoder_from(path, "s2"), mid.encoder)
    late = build_network("late", TINY, (8, 8, 8), s2_bands=9)
    path = saved(late, tmp_path / f"late{suffix}")
    assert same(encoder_from(path, "s1"), late.model1.encoder)
    assert same(encoder_from(path, "s2"), late.model2.encoder)


@pytest.mark.parametrize(("modality", "bands"), [("s1", 2), ("s2", 9)])
def test_one_modality_gives_its_encoder_and_refuses_the_other(modality: Modality, bands: int, tmp_path: Path) -> None:
    single = build_single(modality, TINY, (8, 8, 8), bands=bands)
    path = saved(single, tmp_path / "w.safetensors")
    assert same(encoder_from(path, modality), single.encoder)
    with pytest.raises(UsageError, match="no convolution of its encoder takes"):
        NOLDO.input_for("s2" if modality == "s1" else "s1", weights=path)


@pytest.mark.parametrize("fusion", ["mid", "late"])
@pytest.mark.parametrize("modality", ["s1", "s2"])
def test_the_published_checkpoints_load(
    fusion: str, modality: Modality, tmp_path: Path, holds_stand_ins: Any, stand_ins: Callable[..., dict[str, Tensor]]
) -> None:
    shapes = {name: tuple(shape) for name, shape in json.loads(GOLDEN.read_text())[fusion].items()}
    own = {("mid", "s1"): "net.encoder1.", ("mid", "s2"): "net.encoder."}.get((fusion, modality))
    own = own or f"net.model{modality[1]}.encoder."
    mine = {name.removeprefix(own): shape for name, shape in shapes.items() if name.startswith(own)}
    others = {name: shape for name, shape in shapes.items() if not name.startswith(own)}
    torch.save({"state_dict": {**stand_ins(mine, own), **stand_ins(others)}}, tmp_path / "published.ckpt")
    image = NOLDO.input_for(modality, weights=tmp_path / "published.ckpt")
    assert image == ssl4eo_input(modality)
    encoder = NOLDO.build(image)
    report = NOLDO.load(encoder, tmp_path / "published.ckpt", modality)
    assert holds_stand_ins(encoder) == []
    assert report.missing == ()
    assert report.unexpected == tuple(sorted(others))


def test_bands_are_as_many_as_the_weights_take(tmp_path: Path) -> None:
    path = saved(build_network("mid", TINY, (8, 8, 8), s2_bands=9), tmp_path / "w.ckpt")
    assert NOLDO.input_for("s2", weights=path).bands == S2_BANDS_9
    assert NOLDO.input_for("s1", 13, weights=path).bands == S1_BANDS
    with pytest.raises(UsageError, match=r"s2_bands is 13, but .* was pretrained on 9"):
        NOLDO.input_for("s2", 13, weights=path)


def test_the_scaling_beside_the_weights_is_the_runs_own(tmp_path: Path) -> None:
    path = saved(build_network("mid", TINY, (8, 8, 8)), tmp_path / "weights.safetensors")
    assert NOLDO.input_for("s2", weights=path) == ssl4eo_input("s2")
    stated = {**S2_SCALING.as_attributes(), "mean": [5000.0] * 13, "std": [100.0] * 13, "source": "own"}
    (tmp_path / "run.json").write_text(json.dumps({"scaling": {"s2": stated}}))
    image = NOLDO.input_for("s2", weights=path)
    assert (image.low[3], image.high[3]) == (4800.0, 5200.0)
    assert NOLDO.input_for("s1", weights=path) == ssl4eo_input("s1")
    (tmp_path / "run.json").write_text(json.dumps({"scaling": {"s2": {**stated, "std": [0.0] * 13}}}))
    with pytest.raises(UsageError, match=r"run\.json: the scaling of s2 does not read"):
        NOLDO.input_for("s2", weights=path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(NoldoError, match=r"run\.json"):
        NOLDO.input_for("s2", weights=path)


def test_a_run_of_raw_values_states_no_scaling(tmp_path: Path) -> None:
    path = saved(build_network("mid", TINY, (8, 8, 8)), tmp_path / "weights.safetensors")
    (tmp_path / "run.json").write_text(json.dumps({"scaling": None}))
    assert NOLDO.input_for("s2", weights=path) == ssl4eo_input("s2")
    assert ssl4eo_input("s2").bands == S2_BANDS


def test_other_weights_are_named(tmp_path: Path) -> None:
    torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / "w.pth")
    with pytest.raises(UsageError, match=r"has no encoder of s2: it has conv1\.weight"):
        NOLDO.load(nn.Identity(), tmp_path / "w.pth", "s2")
