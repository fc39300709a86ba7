"""What a run leaves beside its weights: settings, code version and hardware; and what a folder holds already."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from pipeline.schema.errors import UsageError
from pipeline.schema.layout import PretrainLayout
from training.compute import Compute
from training.dataset import TrainingStore
from training.json_file import read_json
from training.other_run import changed_settings
from training.other_run import other_run as other_run
from training.settings import PretrainSettings
from training.world import ALONE, World

DECIDES = (("store", "store_digest"), ("labels", "labels_digest"), ("split", "split"))
"""What decides a result beside the settings: what a user calls it, and its name in run.json."""


class FolderState(StrEnum):
    """What a run folder holds."""

    NEW = "new"
    UNFINISHED = "unfinished"
    FINISHED = "finished"


def describe_run(
    settings: PretrainSettings, store: TrainingStore, compute: Compute, world: World = ALONE, *, groups_known: bool
) -> dict[str, Any]:
    """What decides a run's result, and what it ran on, as plain data for run.json.

    `groups_known`: whether the split keeps patches that overlap on one side.
    """
    return {
        "settings": settings.model_dump(mode="json"),
        "store": str(store.path),
        "store_digest": store.digest,
        "labels_digest": store.labels.digest,
        "dataset_digest": dataset_digest(store),
        "scaling": store.scaling and {name: scaling.as_attributes() for name, scaling in store.scaling.items()},
        "locations": store.locations,
        "world_size": world.size,
        "split": split_kind(groups_known=groups_known),
        **describe_machine(compute),
    }


def split_kind(*, groups_known: bool) -> str:
    """How locations were split, in words: whether patches that overlap are on one side."""
    return "no shared ground" if groups_known else "by location, overlaps not checked"


def describe_machine(compute: Compute) -> dict[str, Any]:
    """Code version, hardware, and versions of torch and Python, as plain data."""
    return {
        "code": code_version(),
        "hardware": {
            "device": compute.device.type,
            "gpu": torch.cuda.get_device_name() if compute.device.type == "cuda" else None,
            "bf16": compute.bf16,
            "compiled": compute.compile,
            "machine": platform.machine(),
            "cpus": os.cpu_count(),
            "threads": torch.get_num_threads(),
        },
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def dataset_digest(store: TrainingStore) -> str | None:
    """The data set's content digest by the manifest beside a build's store; None where there is none of this store."""
    provenance = store.path.parent.parent / "manifest" / "provenance.json"
    try:
        content = json.loads(provenance.read_text())["content_digest"]
        digests = str(content["dataset"]), str(content["store"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return digests[0] if digests[1] == store.digest else None


def folder_state(layout: PretrainLayout, record: Mapping[str, Any], *, against: str, resume: bool) -> FolderState:
    """Compare a run folder with the run that is to go there.

    A finished run scored against something other than `against` counts as unfinished: only its scores are missing.
    Raises UsageError where the folder holds a run with other settings or of another store, or an unfinished one that
    is not to be resumed.
    """
    if not layout.record.exists():
        if layout.checkpoint.exists():
            raise UsageError(f"{layout.root} has a checkpoint but no run.json; choose another folder or delete it")
        return FolderState.NEW
    earlier = read_json(layout.record)
    changed = _changes(earlier, record)
    if changed:
        raise UsageError(
            f"{layout.root} holds a run with another {', '.join(changed)}; choose another folder or delete that one"
        )
    if layout.result.exists() and read_json(layout.result).get("against") == against:
        return FolderState.FINISHED
    if not layout.checkpoint.exists():
        return FolderState.NEW
    if not resume:
        raise UsageError(f"{layout.root} holds an unfinished run; add --resume to go on with it, or delete it")
    return FolderState.UNFINISHED


def _changes(earlier: Mapping[str, Any], record: Mapping[str, Any]) -> list[str]:
    settings = changed_settings(earlier.get("settings", {}), record["settings"])
    other = [name for name, key in DECIDES if earlier.get(key) != record.get(key)]
    if earlier.get("world_size", 1) != record["world_size"]:
        other.append(f"number of processes ({earlier.get('world_size', 1)}, not {record['world_size']})")
    return settings + other


def code_version() -> dict[str, str | None]:
    """Version and commit of this code, each None where it is not known."""
    return {"version": _package_version(), "commit": _commit()}


def _package_version() -> str | None:
    try:
        return metadata.version("noldo")
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of this code's checkout, '+' behind it where files differ; None outside a checkout."""
    git = ("git", "-C", str(Path(__file__).parent))
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=10)
        changes = subprocess.run(
            [*git, "status", "--porcelain", "--untracked-files=no"],
            capture_output=True, text=True, check=True, timeout=10,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return commit.stdout.strip() + ("+" if changes.stdout.strip() else "")
