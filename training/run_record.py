"""What a run leaves beside its weights: settings, code version, hardware and log; and what a folder holds already."""

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

from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.layout import PretrainLayout
from training.compute import Compute
from training.dataset import TrainingStore
from training.settings import PretrainSettings

NO_EFFECT = ("device", "threads")
"""Settings that say where a run computes, not what."""


class FolderState(StrEnum):
    """What a run folder holds."""

    NEW = "new"
    UNFINISHED = "unfinished"
    FINISHED = "finished"


def describe_run(
    settings: PretrainSettings, store: TrainingStore, compute: Compute, *, groups_known: bool
) -> dict[str, Any]:
    """What decides a run's result, and what it ran on, as plain data for run.json.

    `groups_known`: whether the split keeps patches that overlap on one side.
    """
    return {
        "settings": settings.model_dump(mode="json"),
        "store": str(store.path),
        "store_digest": store.digest,
        "locations": store.locations,
        "split": "no shared ground" if groups_known else "by location, overlaps not checked",
        "code": {"version": _package_version(), "commit": _commit()},
        "hardware": {
            "device": compute.device.type,
            "gpu": torch.cuda.get_device_name() if compute.device.type == "cuda" else None,
            "bf16": compute.bf16,
            "machine": platform.machine(),
            "cpus": os.cpu_count(),
            "threads": torch.get_num_threads(),
        },
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


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


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object whole, under another name first."""
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; NoldoError names a file that is none."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise NoldoError(f"{path} cannot be read ({error}); delete its folder and run again") from error
    if not isinstance(content, dict):
        raise NoldoError(f"{path} holds no JSON object; delete its folder and run again")
    return content


def append_log(path: Path, line: Mapping[str, Any]) -> None:
    """Add an epoch to the log."""
    with path.open("a") as log:
        log.write(json.dumps(line, allow_nan=False) + "\n")


def read_log(path: Path, epochs: int) -> list[dict[str, Any]]:
    """The log's first `epochs` epochs, in order; a line that was cut off with its run is left out."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines[:epochs]]


def keep_log(path: Path, epochs: int) -> None:
    """Cut the log back to the epochs that the checkpoint holds."""
    kept = read_log(path, epochs)
    path.write_text("".join(json.dumps(line) + "\n" for line in kept))


def _changes(earlier: Mapping[str, Any], record: Mapping[str, Any]) -> list[str]:
    before, now = earlier.get("settings", {}), record["settings"]
    keys = [key for key in now if key not in NO_EFFECT and before.get(key) != now[key]]
    other = [name for name, key in (("store", "store_digest"), ("split", "split")) if earlier.get(key) != record[key]]
    return keys + other


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
