"""CromSS's selection masks beside the labels' true errors, for a few locations, held-out ones first."""

import zipfile
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.report import picture
from pipeline.report.gather import IndexRow
from pipeline.report.words import percent
from pipeline.schema.errors import NoldoError
from pipeline.schema.landcover import IGNORE

SHOWN: Final = 8
"""Locations shown; more would make the page heavy."""

NEEDED: Final = ("location_row", "season", "s1", "s2", "label")
MODALITIES: Final = ("s2", "s1")
"""In the order shown; a network of one modality has the weights of that one only."""
BINS: Final = 10

ScenesOf = Callable[[Collection[int]], tuple[IndexRow, ...]]
"""The index of some rows of the store."""


@dataclass(frozen=True)
class Panel:
    """One picture of a location."""

    name: str
    note: str
    """What the picture says in words, for example a share; may be empty."""
    uri: str


@dataclass(frozen=True)
class MaskView:
    """One location and season of the selection section."""

    row: int
    season: int
    location_id: str
    date: str
    """The day of the Sentinel-2 scene, and "training location" where the network was trained on it; may be empty."""
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class WeightSpread:
    """How the weights of one modality lie over right and over wrong labels, over the held-out locations saved."""

    modality: str
    right_share: tuple[float, ...]
    """Share of the rightly labelled pixels in each of BINS equal bins of weight 0..1."""
    wrong_share: tuple[float, ...]
    right_mean: float
    wrong_mean: float


@dataclass(frozen=True)
class Selection:
    """What masks.npz shows."""

    saved: int
    """Locations in the file."""
    has_truth: bool
    views: tuple[MaskView, ...]
    spreads: tuple[WeightSpread, ...]
    """Empty where the truth is not known, or no location is held out."""


def read_selection(path: Path, scenes_of: ScenesOf) -> Selection:
    """Read masks.npz; NoldoError where it is missing or damaged."""
    arrays = _load(path)
    saved = int(arrays["location_row"].shape[0])
    scenes = {(entry.row, entry.season): entry for entry in scenes_of(arrays["location_row"][:SHOWN].tolist())}
    views = tuple(_view(arrays, k, scenes) for k in range(min(saved, SHOWN)))
    has_truth = "truth" in arrays
    spreads = tuple(_spread(arrays, name) for name in _weighed(arrays)) if has_truth else ()
    return Selection(saved=saved, has_truth=has_truth, views=views, spreads=tuple(s for s in spreads if s))


def _load(path: Path) -> dict[str, NDArray[Any]]:
    if not path.is_file():
        raise NoldoError(f"pretrain/{path.name} is not there yet: the pretraining has not come to its end.")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name]) for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise NoldoError(f"pretrain/{path.name} cannot be read ({error}).") from error
    lacking = [name for name in NEEDED if name not in arrays]
    if lacking:
        raise NoldoError(f"pretrain/{path.name} lacks the arrays {', '.join(lacking)}.")
    if not _weighed(arrays):
        raise NoldoError(f"pretrain/{path.name} lacks the arrays weight_s1 and weight_s2.")
    # a file without the array holds nothing but held-out locations
    arrays.setdefault("held_out", np.ones(arrays["location_row"].shape, dtype=np.bool_))
    return arrays


def _weighed(arrays: Mapping[str, NDArray[Any]]) -> tuple[str, ...]:
    return tuple(name for name in MODALITIES if f"weight_{name}" in arrays)


def _view(arrays: Mapping[str, NDArray[Any]], k: int, scenes: Mapping[tuple[int, int], IndexRow]) -> MaskView:
    row, season = int(arrays["location_row"][k]), int(arrays["season"][k])
    entry = scenes.get((row, season))
    day = f"{entry.s2_datetime:%d %b %Y}" if entry and entry.s2_datetime else ""
    trained_on = "" if arrays["held_out"][k] else "training location"
    return MaskView(
        row=row,
        season=season,
        location_id=entry.location_id if entry else f"row {row}",
        date=", ".join(part for part in (day, trained_on) if part),
        panels=tuple(_panels(arrays, k)),
    )


def _panels(arrays: Mapping[str, NDArray[Any]], k: int) -> list[Panel]:
    label = arrays["label"][k]
    panels = [
        Panel("Sentinel-2", "true colour", picture.true_colour(arrays["s2"][k : k + 1])[0]),
        Panel("Sentinel-1", "VV, VH, VV − VH", picture.false_colour(arrays["s1"][k : k + 1])[0]),
        Panel("DW label", "", picture.classes(label)),
    ]
    if "truth" in arrays:
        truth = arrays["truth"][k]
        known = (label != IGNORE) & (truth != IGNORE)
        wrong = float(np.mean(label[known] != truth[known])) if known.any() else 0.0
        panels.append(Panel("Truth", "", picture.classes(truth)))
        panels.append(Panel("Label errors", f"{percent(wrong, 0)} wrong", picture.errors(label, truth)))
    for modality in _weighed(arrays):
        weight = arrays[f"weight_{modality}"][k]
        labelled = weight[label != IGNORE]
        mean = float(np.mean(labelled, dtype=np.float64)) if labelled.size else 0.0
        panels.append(Panel(f"Weight {modality.upper()}", f"mean {mean:.2f}", picture.weights(weight)))
    for modality in MODALITIES:
        if f"prediction_{modality}" in arrays:
            prediction = arrays[f"prediction_{modality}"][k]
            panels.append(Panel(f"Prediction {modality.upper()}", "", picture.classes(prediction)))
    return panels


def _spread(arrays: Mapping[str, NDArray[Any]], modality: str) -> WeightSpread | None:
    held_out = arrays["held_out"].astype(bool)
    label, truth = arrays["label"][held_out], arrays["truth"][held_out]
    known = (label != IGNORE) & (truth != IGNORE)
    weight = arrays[f"weight_{modality}"][held_out].astype(np.float64)
    right, wrong = weight[known & (label == truth)], weight[known & (label != truth)]
    if not right.size or not wrong.size:
        return None
    return WeightSpread(
        modality=modality,
        right_share=_shares(right),
        wrong_share=_shares(wrong),
        right_mean=float(right.mean()),
        wrong_mean=float(wrong.mean()),
    )


def _shares(weight: NDArray[np.float64]) -> tuple[float, ...]:
    counts, _ = np.histogram(np.clip(weight, 0.0, 1.0), bins=BINS, range=(0.0, 1.0))
    return tuple(float(v) for v in counts / weight.size)
