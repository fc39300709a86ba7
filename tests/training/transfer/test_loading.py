"""Which of a pretraining's weights a network gets, for every fusion and modality."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pipeline.schema.errors import UsageError
from training.checkpoint import save_weights
from training.compute import Compute
from training.dual_unet import build_network
from training.encoders.catalogue import encoder_spec
from training.single_unet import build_single
from training.transfer.form import settle_form
from training.transfer.loading import load_pretrained
from training.transfer.network import TransferNetwork, build_transfer_network
from training.transfer.settings import TransferSettings
from training.transfer.setup import Setup
from training.transfer.tile_store import open_tile_store

StoreWriter = Callable[..., Path]
CHANNELS, ENCODER = (16, 8, 8), "tu-resnet10t"


def pretrained(kind: str) -> nn.Module:
    torch.manual_seed(1)
    if kind in ("s1", "s2"):
        return build_single(kind, ENCODER, CHANNELS, bands=2 if kind == "s1" else 13)  # type: ignore[arg-type]
    return build_network(kind, ENCODER, CHANNELS)  # type: ignore[arg-type]


def parts_of(network: nn.Module, kind: str, modality: str) -> tuple[nn.Module, nn.Module, nn.Module]:
    """Encoder, decoder and head of a modality."""
    whole = network
    if kind == "late":
        whole = network.get_submodule("model1" if modality == "s1" else "model2")
    encoder = "encoder1" if kind == "mid" and modality == "s1" else "encoder"
    return whole.get_submodule(encoder), whole.get_submodule("decoder"), whole.get_submodule("segmentation_head")


def set_up(tile_store: StoreWriter, folder: Path, weights: Path, label: str = "dw", **changes: object) -> Setup:
    settings = TransferSettings.model_validate(
        {"encoder": ENCODER, "decoder_channels": CHANNELS, "modality": "s2", "source": "noldo", **changes}
    )
    spec = encoder_spec("noldo")
    path = tile_store(folder / f"{label}.zarr", tiles=1, px=8, labels=(label,))
    store = open_tile_store(path, settings.modality, None)
    image = spec.input_for(settings.modality, None, weights)
    form = settle_form(settings, spec, weights)
    compute = Compute(torch.device("cpu"), bf16=False)
    return Setup(settings, spec, form, image, weights, store, store, np.arange(1), compute)


def fresh(setup: Setup) -> TransferNetwork:
    torch.manual_seed(2)
    return build_transfer_network(setup.form, setup.spec, setup.image, len(setup.train.classes))


def changed(before: dict[str, Tensor], network: nn.Module) -> set[str]:
    return {name for name, weight in network.state_dict().items() if not torch.equal(weight, before[name])}


@pytest.mark.parametrize("modality", ["s1", "s2"])
@pytest.mark.parametrize("kind", ["mid", "late", "single"])
@pytest.mark.parametrize("load", ["encoder", "encoder+1", "encoder+2", "all-but-head", "all"])
def test_exactly_what_is_asked_for_is_taken(
    kind: str, modality: str, load: str, tile_store: StoreWriter, tmp_path: Path
) -> None:
    kind = modality if kind == "single" else kind
    source = pretrained(kind)
    save_weights(source, tmp_path / "weights.safetensors")
    setup = set_up(tile_store, tmp_path, tmp_path / "weights.safetensors", modality=modality, load=load)
    network = fresh(setup)
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    report = load_pretrained(network, setup)
    assert report is not None
    encoder, decoder, head = parts_of(source, kind, modality)
    wanted = {f"encoder.{name}": weight for name, weight in encoder.state_dict().items()}
    blocks = {"encoder": 0, "encoder+1": 1, "encoder+2": 2, "all-but-head": 3, "all": 3}[load]
    for name, weight in decoder.state_dict().items():
        if int(name.split(".")[1]) < blocks:
            wanted[f"decoder.{name}"] = weight
    if load == "all":
        wanted |= {f"segmentation_head.{name}": weight for name, weight in head.state_dict().items()}
    own = network.state_dict()
    assert all(torch.equal(own[name], weight) for name, weight in wanted.items())
    assert changed(before, network) <= wanted.keys()
    assert len(report.loaded) == len(wanted)
    assert len(report.loaded) + len(report.unexpected) == len(source.state_dict())


def test_the_head_fits_dfc2020_and_no_other_legend(tile_store: StoreWriter, tmp_path: Path) -> None:
    source = pretrained("mid")
    save_weights(source, tmp_path / "weights.ckpt")
    setup = set_up(tile_store, tmp_path, tmp_path / "weights.ckpt", label="dfc", load="all")
    network = fresh(setup)
    load_pretrained(network, setup)
    head = source.get_submodule("segmentation_head").state_dict()["0.weight"]
    assert torch.equal(network.segmentation_head.state_dict()["0.weight"], head[:8])
    setup = set_up(tile_store, tmp_path, tmp_path / "weights.ckpt", label="osm", load="all")
    with pytest.raises(UsageError, match="this set has 13 classes; set load to all-but-head"):
        load_pretrained(fresh(setup), setup)


def test_a_decoder_of_other_channels_is_refused(tile_store: StoreWriter, tmp_path: Path) -> None:
    save_weights(pretrained("mid"), tmp_path / "weights.safetensors")
    setup = set_up(tile_store, tmp_path, tmp_path / "weights.safetensors", load="encoder+1", decoder_channels=(8, 8, 8))
    with pytest.raises(UsageError, match="set decoder_channels to those of the weights"):
        load_pretrained(fresh(setup), setup)
