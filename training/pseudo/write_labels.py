"""Labels of the whole store by trained teachers, written into it."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from pipeline.schema.landcover import IGNORE
from pipeline.schema.records import N_SEASONS
from training.compute import Compute
from training.dataset import TrainingStore
from training.epoch_plan import in_batches
from training.label_source import CONFIDENCE_SUFFIX
from training.loader import read_all_seasons, read_batches
from training.pseudo.joined import MEANING, Join, joined
from training.pseudo.label_arrays import AddedArray, add_arrays, label_attributes
from training.pseudo.label_images import label_images
from training.pseudo.progress import PseudoProgress
from training.pseudo.settings import WritingSettings
from training.pseudo.teachers import Teacher

Maps = dict[str, NDArray[np.uint8]]

MADE_BY: Final = "noldo pseudo-label"

JOINED_SUFFIXES: Final = tuple(f"_{how}" for how in get_args(Join))
"""What arrays that are joined with dw are called behind the name of the labels."""


@dataclass(frozen=True)
class Writing:
    """What is to be written, by whom, and where."""

    name: str
    """Of the labels' array."""
    store: TrainingStore
    path: Path
    """The store, on a disk."""
    teachers: Sequence[Teacher]
    settings: WritingSettings
    compute: Compute
    on_progress: Callable[[PseudoProgress], None]

    @property
    def confidence_name(self) -> str:
        """Of the confidences' array."""
        return self.name + CONFIDENCE_SUFFIX

    def provenance(self) -> dict[str, Any]:
        """What decides the labels, as plain data."""
        teachers = [teacher.sha256 for teacher in self.teachers]
        settings = self.settings.model_dump(mode="json", exclude={"batch_size"})
        return {
            "made_by": MADE_BY,
            "store_digest": self.store.digest,
            "teachers_sha256": teachers,
            "settings": settings,
        }


def write_labels(writing: Writing, code: Mapping[str, Any]) -> dict[str, str]:
    """Label every image of the store, write the arrays, and return the digest of each by name.

    `code`: version and commit, for the arrays' attributes. Errors as label_arrays.add_arrays and read_batches.
    """

    def rows(part: range) -> Maps:
        maps = _labels(writing, part)
        own = None
        for how in writing.settings.joined:
            own = read_all_seasons(writing.store.dw, np.array(part)).numpy() if own is None else own
            maps[f"{writing.name}_{how}"] = joined(own, maps[writing.name], how)
        return maps

    about = {
        "code": dict(code),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "teachers": [f"{teacher.path.parent.name}/{teacher.path.name}" for teacher in writing.teachers],
        "teachers_held_out_as": [asdict(teacher.held_out_as) for teacher in writing.teachers],
    }
    companions = [writing.name + suffix for suffix in JOINED_SUFFIXES]
    return add_arrays(writing.path, _arrays(writing), rows, writing.provenance(), about, replaces=companions)


def _labels(writing: Writing, part: range) -> Maps:
    """Labels and confidences of all seasons of some rows."""
    px, names = writing.store.patch_px, (writing.name, writing.confidence_name)
    maps = {name: np.empty((len(part), N_SEASONS, px, px), np.uint8) for name in names}
    rows, seasons = np.repeat(np.array(part), N_SEASONS), np.tile(np.arange(N_SEASONS), len(part))
    plans = in_batches(rows, seasons, writing.settings.batch_size)
    done = 0
    for batch in read_batches(writing.store, plans, pin=writing.compute.pinned):
        found = label_images(writing.teachers, batch, writing.store, writing.settings, writing.compute)
        at = (batch.rows - part.start, batch.season.numpy())
        maps[writing.name][at] = found.label.numpy()
        maps[writing.confidence_name][at] = found.confidence.numpy()
        done += len(batch.rows)
        location = part.start + done // N_SEASONS
        writing.on_progress(PseudoProgress("labels", location, writing.store.locations, ""))
    return maps


def _arrays(writing: Writing) -> list[AddedArray]:
    none = f"{IGNORE}: no label (Sentinel-2 saw nothing, or the teachers are not sure or not of one mind)."
    title = "Land cover by an optical network on Sentinel-2 (pseudo-label)"
    sure = {
        "long_name": f"Confidence of {writing.name}: mean probability of the class, scaled to 0..255",
        "units": "1",
        "scale_factor": 1 / 255,
        "comment": "0 where there is no label.",
    }
    arrays = [
        AddedArray(writing.name, label_attributes(writing.path, title, none), IGNORE),
        AddedArray(writing.confidence_name, sure, 0, labels=writing.name),
    ]
    for how in writing.settings.joined:
        attributes = label_attributes(
            writing.path, f"{writing.name} joined with dw: {MEANING[how]}", f"{IGNORE}: no label."
        )
        arrays.append(AddedArray(f"{writing.name}_{how}", attributes, IGNORE))
    return arrays
