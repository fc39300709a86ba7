"""The runs that are analysed, as their folders tell of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.schema.bands import S1_BANDS, S1_SCALING, S2_BANDS, S2_SCALING, Scaling
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.layout import PretrainLayout, RunLayout
from training.checkpoint import load_weights
from training.compute import Compute
from training.json_file import read_json
from training.kept_weights import kept_weights
from training.modality import Modality
from training.network import network_for
from training.segmenter import Segmenter
from training.settings import PretrainSettings
from training.transfer.layout import TransferLayout


@dataclass(frozen=True)
class Checkpoint:
    """A network that a run has left."""

    epoch: int
    """Epochs that it has behind it; 0: untrained."""
    path: Path


@dataclass(frozen=True)
class PretrainRun:
    """A pretraining run with at least one network."""

    name: str
    """As figures call it; no other run is called so."""
    folder: Path
    settings: PretrainSettings
    record: Mapping[str, Any]
    """The content of run.json."""
    checkpoints: tuple[Checkpoint, ...]
    """In the order of their epochs; the last one is the run's newest network."""

    @property
    def last(self) -> Checkpoint:
        """The newest network."""
        return self.checkpoints[-1]

    def scaling(self, modality: Modality) -> Scaling:
        """How the images that it learnt from were scaled; SSL4EO-S12's figures where its record does not say."""
        stated = (self.record.get("scaling") or {}).get(modality)
        if stated is None:
            return S1_SCALING if modality == "s1" else S2_SCALING
        return Scaling.from_attributes({"bands": S1_BANDS if modality == "s1" else S2_BANDS, "scaling": stated})


@dataclass(frozen=True)
class TransferRun:
    """A finished transfer run."""

    name: str
    """As figures call it; no other run is called so."""
    folder: Path
    record: Mapping[str, Any]
    """The content of transfer.json."""
    result: Mapping[str, Any]
    """The content of result.json."""

    @property
    def modality(self) -> Modality:
        """What it sees."""
        return "s1" if self.result["input"] == "S1" else "s2"

    @property
    def seeds(self) -> tuple[int, ...]:
        """Its repeats."""
        return tuple(self.result["seeds"])

    @property
    def layout(self) -> TransferLayout:
        """Where its files lie."""
        return TransferLayout(self.folder)


@dataclass(frozen=True)
class Runs:
    """All runs of an analysis, in the order that they were named in."""

    pretraining: tuple[PretrainRun, ...]
    transfer: tuple[TransferRun, ...]

    def listed(self) -> list[tuple[str, Path, str]]:
        """Name, folder and kind of every run."""
        pretraining = [(run.name, run.folder, "pretraining") for run in self.pretraining]
        return [*pretraining, *((run.name, run.folder, "transfer") for run in self.transfer)]


def open_runs(folders: Sequence[Path]) -> Runs:
    """Tell the runs apart and read what they are.

    `folders`: of pretraining runs, of transfer runs, or of builds with a pretraining run; each is taken once.
    UsageError where a folder is none of these or its run has left nothing to analyse yet, NoldoError for a damaged one.
    """
    found = list(dict.fromkeys(_run_folder(folder).resolve() for folder in folders))
    names = unique_names(found)
    pretraining, transfer = [], []
    for folder in found:
        if TransferLayout(folder).record.exists():
            transfer.append(_transfer(folder, names[folder]))
        else:
            pretraining.append(_pretraining(folder, names[folder]))
    return Runs(tuple(pretraining), tuple(transfer))


def load_network(run: PretrainRun, checkpoint: Checkpoint, compute: Compute) -> Segmenter:
    """The network of a checkpoint on the device, to be looked at: batch norm runs on its stored statistics.

    UsageError where the file is not the network that the run's settings ask for.
    """
    network = network_for(run.settings)
    report = load_weights(network, checkpoint.path)
    if report.missing or report.unexpected:
        raise UsageError("\n".join([f"{checkpoint.path} is not the network of {run.folder}:", *report.lines()][:4]))
    compute.settle(network)
    return network.eval()


def unique_names(folders: Sequence[Path]) -> dict[Path, str]:
    """For each folder, as few of the last parts of its path as tell it from all the others.

    A build's own pretraining run goes by the build's name.
    """
    shown = [folder.parent if folder.name == RunLayout(Path()).pretrain.name else folder for folder in folders]
    clash = len(set(shown)) < len(shown)
    parts = [folder.parts for folder in (folders if clash else shown)]
    return {folder: _distinct(own, parts) for folder, own in zip(folders, parts, strict=True)}


def _distinct(own: tuple[str, ...], all_parts: Sequence[tuple[str, ...]]) -> str:
    lengths = range(1, len(own) + 1)
    tells = (n for n in lengths if sum(other[-n:] == own[-n:] for other in all_parts) == 1)
    return "/".join(own[-next(tells, len(own)) :])


def _run_folder(folder: Path) -> Path:
    """The folder of the run that `folder` is, or holds."""
    for candidate in (folder, folder / RunLayout(Path()).pretrain.name):
        if PretrainLayout(candidate).record.exists() or TransferLayout(candidate).record.exists():
            return candidate
    raise UsageError(
        f"{folder} is no run: it has neither run.json nor transfer.json; name a folder that was given to the --out of "
        "noldo pretrain or noldo transfer"
    )


def _pretraining(folder: Path, name: str) -> PretrainRun:
    layout = PretrainLayout(folder)
    record = read_json(layout.record)
    try:
        settings = PretrainSettings.model_validate(record.get("settings"))
    except ValidationError as error:
        raise NoldoError(
            f"{layout.record} states no settings of a pretraining run ({error.error_count()} faults); train it again"
        ) from error
    checkpoints = [Checkpoint(epoch, path) for epoch, path in kept_weights(layout).items()]
    if layout.result.exists() and (not checkpoints or checkpoints[-1].epoch < settings.epochs):
        checkpoints.append(Checkpoint(settings.epochs, layout.weights))
    if not checkpoints:
        raise UsageError(f"{folder} has no weights yet; finish it with noldo pretrain --resume")
    return PretrainRun(name, folder, settings, record, tuple(checkpoints))


def _transfer(folder: Path, name: str) -> TransferRun:
    layout = TransferLayout(folder)
    if not layout.result.exists():
        raise UsageError(f"{folder} has no result yet; finish it with noldo transfer --resume")
    return TransferRun(name, folder, read_json(layout.record), read_json(layout.result))
