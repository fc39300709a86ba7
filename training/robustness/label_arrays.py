"""The label arrays that the networks learn, clean and at each noise rate; they lie beside the runs, not in the store.

An array is written under another name and renamed once it is whole; one that is there is not made again.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.schema.errors import UsageError
from pipeline.schema.landcover import IGNORE
from training.json_file import read_json
from training.label_source import LABELS_DIGEST, STORE_DIGEST, content_digest_of
from training.new_label_array import new_label_array
from training.robustness.settings import BlobNoise, PlanetNoise
from training.robustness.spoil import BLOCK_ROWS, Material, spoilt, take_census

MADE_FROM: Final = "noldo:made_from"
"""Attribute that says what an array was made from."""

COUNTS: Final = "noldo:counts"
"""Attribute with its labelled pixels, and how many of them differ from the clean ones."""

CLEAN: Final = "clean"
"""What the clean labels, and the network that learns them, are called."""


@dataclass(frozen=True)
class LabelArray:
    """Labels of all rows of a store."""

    name: str
    """clean, noise-0.1, noise-own, ..."""
    folder: Path
    asked: float | str
    """The rate as the settings have it; 0 of the clean ones."""
    labelled: int
    """Pixels that have a label."""
    wrong: int
    """Of them, how many differ from the clean ones, counted."""

    @property
    def rate(self) -> float:
        """Share of the labelled pixels that differ from the clean ones."""
        return self.wrong / self.labelled


def array_names(noise: PlanetNoise | BlobNoise) -> dict[str, float | str]:
    """The name of each array and the rate that it is asked for, the clean one's first."""
    return {CLEAN: 0.0, **{f"noise-{rate}": rate for rate in noise.rates}}


def make_label_arrays(
    noise: PlanetNoise | BlobNoise, material: Material, folder: Path, on_progress: Callable[[int, int], None]
) -> list[LabelArray]:
    """Write the arrays that are not there yet, and tell of all, the clean one first.

    `on_progress` is told how many of the locations are done, of how many. Raises UsageError where `folder` holds arrays
    made from something else, and what `spoilt` raises.
    """
    names = array_names(noise)
    origins = {name: _origin(noise, material, asked) for name, asked in names.items()}
    missing = [name for name, origin in origins.items() if not _is_there(folder / name, origin)]
    if missing:
        _write(noise, material, folder, {name: names[name] for name in missing}, origins, on_progress)
    return [_described(folder / name, asked) for name, asked in names.items()]


def _origin(noise: PlanetNoise | BlobNoise, material: Material, asked: float | str) -> dict[str, Any]:
    """What decides an array's content, as JSON gives it back."""
    how = noise.model_dump(mode="json", exclude={"rates"})
    labels = material.store.labels
    said = {"store": material.store.digest, "labels": [labels.name, labels.digest], "noise": how, "rate": asked}
    return {**said, "clean": "labels" if material.truth is None else "truth"}


def _is_there(folder: Path, origin: Mapping[str, Any]) -> bool:
    if not folder.exists():
        return False
    if _attributes(folder).get(MADE_FROM) != origin:
        raise UsageError(
            f"{folder} was made with other noise or from another store; choose another --out, "
            f"or delete {folder.parent} and the runs beside it"
        )
    return True


def _attributes(folder: Path) -> dict[str, Any]:
    attributes = read_json(folder / "zarr.json").get("attributes")
    return attributes if isinstance(attributes, dict) else {}


def _described(folder: Path, asked: float | str) -> LabelArray:
    counts = _attributes(folder)[COUNTS]
    return LabelArray(folder.name, folder, asked, counts["labelled"], counts["wrong"])


def _write(
    noise: PlanetNoise | BlobNoise,
    material: Material,
    folder: Path,
    missing: Mapping[str, float | str],
    origins: Mapping[str, Mapping[str, Any]],
    on_progress: Callable[[int, int], None],
) -> None:
    census = take_census(material)
    noisy = {name: asked for name, asked in missing.items() if name != CLEAN}
    shape = tuple(material.store.labels.array.shape)
    state = content_digest_of(material.store.path)
    made_for = {} if state is None else {STORE_DIGEST: state}
    blocks = spoilt(noise, list(noisy.values()), material, census)
    with ExitStack() as committing:
        about = {name: {MADE_FROM: dict(origins[name]), **made_for} for name in missing}
        writers = {name: committing.enter_context(_new_array(folder / name, shape, about[name])) for name in missing}
        for block in blocks:
            values = {CLEAN: block.clean, **dict(zip(noisy, block.noisy, strict=True))}
            for name, writer in writers.items():
                writer.add(block.first, values[name], block.clean)
            on_progress(block.first + len(block.clean), shape[0])


@dataclass
class _Writer:
    """An array being written, in order."""

    array: Any
    labelled: int = 0
    wrong: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def add(self, first: int, values_BSHW: NDArray[np.uint8], clean_BSHW: NDArray[np.uint8]) -> None:
        """Write the rows from `first` on, and count."""
        self.array[first : first + len(values_BSHW)] = values_BSHW
        self.digest.update(np.ascontiguousarray(values_BSHW).data)
        self.labelled += int((values_BSHW != IGNORE).sum())
        self.wrong += int((values_BSHW != clean_BSHW).sum())


@contextmanager
def _new_array(folder: Path, shape: tuple[int, ...], about: Mapping[str, Any]) -> Iterator[_Writer]:
    """An array that gets its name, its counts and its digest once it is written without an error."""
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f".{folder.name}.*.partial"):  # by a run that was killed
        shutil.rmtree(left)
    try:
        array = new_label_array(partial, shape, shard_rows=BLOCK_ROWS, fill=IGNORE, attributes={})
        writer = _Writer(array)
        yield writer
        counts = {"labelled": writer.labelled, "wrong": writer.wrong}
        array.attrs.update({**about, COUNTS: counts, LABELS_DIGEST: f"sha256:{writer.digest.hexdigest()}"})
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
