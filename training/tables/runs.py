"""Reads the results of transfer runs."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.schema.errors import NoldoError, UsageError
from training.json_file import read_json
from training.tables.made_from import MadeFrom, made_from
from training.tables.names import METRICS

RECORD: Final = "transfer.json"
"""What makes a folder one of a transfer run; a repeat's own folder has none."""
RESULT: Final = "result.json"


class ClassScores(BaseModel):
    """Scores of each class, 0..1, repeat by repeat; None where the class is not in the test set."""

    model_config = ConfigDict(frozen=True)

    names: tuple[str, ...]
    recall: tuple[tuple[float | None, ...], ...]
    iou: tuple[tuple[float | None, ...], ...]
    f1: tuple[tuple[float | None, ...], ...]


class TransferRun(BaseModel):
    """One finished transfer run: an encoder on a downstream set, over several seeds."""

    model_config = ConfigDict(frozen=True)

    folder: Path
    """Where it lies, as the user wrote it."""
    name: str
    """Name of its row, for example CromSS-midF."""
    dataset: str
    input: Literal["S1", "S2"]
    s2_bands: int | None
    framework: str
    backbone: str
    encoder: str
    """What becomes of the encoder: one of `names.MODES`."""
    load: str
    """What of the weights was taken: encoder, encoder+1, ..."""
    train_share: float = Field(gt=0.0, le=1.0)
    train_tiles: int
    """Tiles that it learnt from, after the share was taken."""
    test_tiles: int
    pixels: int
    """Labelled pixels of the test tiles."""
    seeds: tuple[int, ...] = Field(min_length=1)
    scores: dict[str, tuple[float, ...]]
    """By metric, then by seed; 0..1."""
    per_class: ClassScores
    made: MadeFrom = MadeFrom()
    """What its record tells of its tiles, its training and its weights."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        repeats = len(self.seeds)
        if len(set(self.seeds)) != repeats:
            raise ValueError("a seed stands in 'seeds' twice")
        for metric in METRICS:
            if len(self.scores.get(metric, ())) != repeats:
                raise ValueError(f"'scores' has not one {metric} for each of the {repeats} seeds")
        for values in (self.per_class.recall, self.per_class.iou, self.per_class.f1):
            if len(values) != repeats or any(len(row) != len(self.per_class.names) for row in values):
                raise ValueError("'per_class' has not one value for each seed and class")
        return self

    @property
    def shown_bands(self) -> int | None:
        """Bands of Sentinel-2 that its name is shown with; None for Sentinel-1."""
        return self.s2_bands if self.input == "S2" else None


@dataclass(frozen=True)
class FoundRuns:
    """What lies below the folders that were named."""

    runs: tuple[TransferRun, ...]
    unfinished: tuple[Path, ...]
    """Folders of transfer runs that have no result yet."""


def holds_transfer_runs(folder: Path) -> bool:
    """Whether a transfer run, finished or not, lies in a folder or below it."""
    return next(_run_folders(folder), None) is not None


def read_runs(folders: Sequence[Path]) -> FoundRuns:
    """Read every transfer run in or below the folders, each once, in the order of their paths.

    UsageError where there is none, NoldoError for a result that cannot be read.
    """
    found = {path.resolve(): path for folder in folders for path in _run_folders(folder)}
    if not found:
        raise UsageError(
            f"no transfer run lies below {', '.join(map(str, folders))}; "
            "name folders that were given to 'noldo transfer --out', or one above them"
        )
    finished = [path for path in found.values() if (path / RESULT).is_file()]
    unfinished = [path for path in found.values() if not (path / RESULT).is_file()]
    return FoundRuns(tuple(_read(path) for path in finished), tuple(unfinished))


def _run_folders(folder: Path) -> Iterator[Path]:
    """Folders of transfer runs; stores are not entered, for they may hold a great many files."""
    for path, below, files in os.walk(folder):
        if RECORD in files:
            below.clear()
            yield Path(path)
        else:
            below[:] = sorted(name for name in below if not name.endswith(".zarr"))


def _read(folder: Path) -> TransferRun:
    path = folder / RESULT
    try:
        result = read_json(path)
        made = made_from(read_json(folder / RECORD), result.get("source") or {}, folder)
        return TransferRun.model_validate({**result, "folder": folder, "made": made})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        what = f"{where}: {first['msg']}" if where else first["msg"]
        raise NoldoError(f"{path} is no result of a transfer run ({what}); delete its folder and run again") from None
