"""What a transfer run leaves beside its scores, and what a folder holds already."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from pipeline.schema.errors import UsageError
from training.checkpoint import KeyReport
from training.json_file import read_json
from training.other_run import changed_settings
from training.run_record import FolderState, describe_machine
from training.transfer.layout import TransferLayout
from training.transfer.settings import TransferSettings
from training.transfer.setup import Setup
from training.transfer.tile_store import TileStore
from training.weight_files import file_sha256

DECIDES: Final = (("training store", "train"), ("test store", "test"), ("weights", "weights"))
"""What decides a result beside the settings: what a user calls it, and its name in transfer.json."""

_CONTENT: Final = ("digest", "sha256")
"""What tells one store or file of weights from another; where it lies does not."""


def describe_transfer(setup: Setup, name: str, keys: KeyReport | None) -> dict[str, Any]:
    """What decides a run's result, and what it ran on, as plain data for transfer.json.

    `keys`: what was loaded of the weights; None where there are none.
    """
    return {
        "name": name,
        "settings": setup.settings.model_dump(mode="json"),
        "train": _store(setup.train),
        "test": _store(setup.test),
        "train_rows": setup.rows.tolist(),
        "weights": None if setup.weights is None else _weights(setup.weights, keys),
        "source": {"name": setup.spec.name, "published": setup.spec.source},
        "input": {"bands": list(setup.image.bands), "low": list(setup.image.low), "high": list(setup.image.high)},
        **describe_machine(setup.compute),
    }


def transfer_folder_state(layout: TransferLayout, record: Mapping[str, Any], *, resume: bool) -> FolderState:
    """Compare a run folder with the run that is to go there.

    Raises UsageError where the folder holds another run, or an unfinished one that is not to be resumed.
    """
    if not layout.record.exists():
        if any(layout.root.glob("seed-*")):
            raise UsageError(f"{layout.root} has repeats but no transfer.json; choose another folder or delete it")
        return FolderState.NEW
    earlier = read_json(layout.record)
    changed = changed_settings(earlier.get("settings", {}), record["settings"], TransferSettings)
    changed += [said for said, key in DECIDES if _content(earlier.get(key)) != _content(record[key])]
    if earlier.get("input") != record["input"]:  # it stands in run.json beside the weights, not in them
        changed.append("scaling of the images")
    if changed:
        raise UsageError(
            f"{layout.root} holds a transfer run with another {', '.join(changed)}; "
            "choose another folder or delete that one"
        )
    if layout.result.exists() and layout.predictions.exists():
        return FolderState.FINISHED
    if not any(layout.root.glob("seed-*/*")):
        return FolderState.NEW
    if not resume:
        raise UsageError(f"{layout.root} holds an unfinished transfer run; add --resume to go on with it, or delete it")
    return FolderState.UNFINISHED


def _store(store: TileStore) -> dict[str, Any]:
    return {
        "path": str(store.path),
        "digest": store.digest,
        "label": store.label_name,
        "tiles": store.tiles,
        "tile_px": store.tile_px,
    }


def _weights(path: Path, keys: KeyReport | None) -> dict[str, Any]:
    told = None if keys is None else {name: list(value) for name, value in asdict(keys).items()}
    return {"file": str(path), "sha256": file_sha256(path), "keys": told}


def _content(described: Any) -> Any:
    return next((described[key] for key in _CONTENT if key in described), None) if described else None
