"""Trained networks that label: their weights, and the run that made them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.schema.errors import UsageError
from pipeline.schema.layout import PretrainLayout
from training.checkpoint import load_weights
from training.compute import Compute
from training.dataset import TrainingStore
from training.json_file import read_json
from training.network import network_for
from training.pseudo.held_out import HeldOutAs
from training.segmenter import Segmenter
from training.settings import PretrainSettings
from training.weight_files import file_sha256


@dataclass(frozen=True)
class Teacher:
    """A network that sees Sentinel-2, alone or beside Sentinel-1."""

    network: Segmenter
    """In evaluation mode, on the device."""
    s2_bands: int
    path: Path
    sha256: str
    """Of the file of weights."""
    held_out_as: HeldOutAs
    """What decided which locations it did not learn from."""


def load_teacher(path: Path, store: TrainingStore, compute: Compute) -> Teacher:
    """Load the weights of a run of `noldo pseudo-label` or `noldo pretrain`, by the run.json that lies beside them.

    Raises UsageError where there is none, the network does not see Sentinel-2, weights are missing, or the run's
    images were scaled otherwise than the store's.
    """
    record = PretrainLayout(path.parent).record
    if not record.is_file():
        raise UsageError(
            f"{path}: {record.name} is not beside it, which says what network it is of; "
            "give the weights of a run of noldo pseudo-label or noldo pretrain in its own folder"
        )
    about = read_json(record)
    settings = _settings(about, record)
    if settings.modalities == "s1":
        raise UsageError(f"{path} is of a network that sees Sentinel-1 alone; a teacher must see Sentinel-2")
    _require_scaling(about, store, path)
    network = network_for(settings)
    report = load_weights(network, path)
    if report.missing or report.unexpected:
        raise UsageError(f"{path} is not the network of {record}: {'; '.join(report.lines()[:3])}")
    compute.settle(network).eval().requires_grad_(False)
    return Teacher(network, settings.s2_bands, path, file_sha256(path), HeldOutAs.of_run(about, settings))


def _settings(about: Mapping[str, Any], record: Path) -> PretrainSettings:
    try:
        return PretrainSettings.model_validate(about.get("settings"))
    except ValidationError as error:
        raise UsageError(f"{record} does not state the settings of a run of this version; train it again") from error


def _require_scaling(about: Mapping[str, Any], store: TrainingStore, path: Path) -> None:
    if not about.get("scaling") or store.scaling is None:
        return  # a store that states none is taken at its word, as pretraining takes it
    before, now = about["scaling"].get("s2", {}), store.scaling["s2"].as_attributes()
    if any(before.get(name) != now[name] for name in ("mean", "std", "clip_std")):
        raise UsageError(
            f"{path} learnt from images of another scaling than those of {store.path}; "
            "give a teacher that was trained on this store, or on one of its scaling"
        )
