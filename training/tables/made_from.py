"""What a transfer run was made from, as its record tells: which tiles, how it learnt, and what its weights learnt."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

TOLD_BY_THE_ROW: Final = frozenset(
    (
        *("modality", "label", "s2_bands", "framework", "source", "load", "mode", "train_share"),
        *("encoder", "encoder_depth", "decoder_channels"),
        *("seeds", "first_seed", "shown_tiles", "device", "precision", "threads"),
    )
)
"""Settings that make the row what it is, are seen in it, or do not decide its scores."""


@dataclass(frozen=True)
class MadeFrom:
    """What decides whether two runs may be compared. Empty or None where the record does not tell."""

    train_tiles: tuple[object, ...] = ()
    """Digest of the training store, then the rows that were learnt from."""
    test_tiles: str | None = None
    """Digest of the test store."""
    emulated: bool | None = None
    """Whether its test store comes from the local emulator."""
    training: tuple[tuple[str, str], ...] = ()
    """How it learnt and was scored: settings that neither make the row nor are seen in it, as JSON."""
    smoothing: tuple[float, float] | None = None
    """Weights of the spatial-temporal and of the uniform term (eq. 13) in the pretraining of its weights.

    None where these are not of a CromSS-midF pretraining (middle fusion, sample selection, its loss on Dynamic World's
    labels), or where that is not known."""


def made_from(record: Mapping[str, Any], source: Mapping[str, Any], folder: Path) -> MadeFrom:
    """Read what a transfer.json and a result's `source` tell, and what lies beside the files that they name.

    `folder`: that of the run; a relative path in its record is looked for from here and from the folders above it.
    """
    train, test = _mapping(record.get("train")), _mapping(record.get("test"))
    rows = record.get("train_rows")
    weights = _mapping(source.get("weights")).get("file")
    return MadeFrom(
        train_tiles=(train["digest"], *(rows if isinstance(rows, list) else ())) if "digest" in train else (),
        test_tiles=test.get("digest"),
        emulated=_is_emulated(test.get("path"), folder),
        training=tuple(
            sorted(
                (name, json.dumps(value))
                for name, value in _mapping(record.get("settings")).items()
                if name not in TOLD_BY_THE_ROW
            )
        ),
        smoothing=_smoothing(_pretraining(weights, folder)),
    )


def _is_emulated(store: Any, folder: Path) -> bool | None:
    """What the manifest of the build that a store lies in says of it."""
    if not isinstance(store, str):
        return None
    told = _read(Path(store).parent.parent / "manifest" / "provenance.json", folder).get("emulated")
    return told if isinstance(told, bool) else None


def _pretraining(weights: Any, folder: Path) -> Mapping[str, Any]:
    """Settings of the pretraining of a file of weights, from the record beside it."""
    if not isinstance(weights, str):
        return {}
    return _mapping(_read(Path(weights).with_name("run.json"), folder).get("settings"))


def _smoothing(settings: Mapping[str, Any]) -> tuple[float, float] | None:
    objective = _mapping(settings.get("objective"))
    is_midf = (
        settings.get("modalities") == "both"
        and settings.get("fusion") == "mid"
        and settings.get("label_source", "dw") == "dw"
        and objective.get("segmentation", "ce_dice") == "ce_dice"
        and objective.get("labels", "hard") == "hard"
        and bool(objective.get("select"))
    )
    if not is_midf:
        return None
    prior, uniform = objective.get("prior_factor"), objective.get("uniform_factor")
    return None if prior is None or uniform is None else (float(prior), float(uniform))


def _read(path: Path, folder: Path) -> Mapping[str, Any]:
    """A JSON object, or an empty one where there is none: that the files named are still there is not required."""
    for start in (Path(), *folder.resolve().parents):
        try:
            return _mapping(json.loads((start / path).read_text()))
        except (OSError, ValueError):
            continue
    return {}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
