"""Previews of a few locations over their seasons, with their scenes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.report import picture
from pipeline.report.gather import IndexRow, RunRecord
from pipeline.report.label_counts import confusion, evenly_spaced, open_array, read_row
from pipeline.scaling import StoreScaling
from pipeline.schema.errors import NoldoError
from pipeline.schema.landcover import IGNORE
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import Location
from pipeline.store_arrays import stored_scaling

SHOWN: Final = 12
"""Locations shown; more would make the page heavy."""


@dataclass(frozen=True)
class SeasonView:
    """One season of a sample: its scenes and its pictures, as data URIs."""

    season: int
    scenes: IndexRow | None
    s2: str
    s1: str
    label: str
    truth: str | None


@dataclass(frozen=True)
class SampleView:
    """One location of the samples section."""

    location_id: str
    row: int
    location: Location | None
    epsg: int | None
    labelled: float
    """Share of the pixels of all seasons that have a label, 0..1."""
    agreement: float | None
    """Share of the labelled pixels whose label is the true class; None where the truth is not known."""
    seasons: tuple[SeasonView, ...]


def sample_views(run: RunRecord, store: AnyPath, truth: AnyPath | None) -> tuple[SampleView, ...]:
    """At most SHOWN locations, evenly spaced over the store; NoldoError where the store cannot be read."""
    arrays = {name: open_array(store, name) for name in ("s2", "s1", "dw")}
    truths = None if truth is None else open_array(truth, "truth")
    places = {location.location_id: location for location in run.locations}
    scaling = _scaling(store, arrays)
    views = []
    for row in evenly_spaced(arrays["dw"].shape[0], SHOWN):
        scenes = [entry for entry in run.index if entry.row == row]
        pixels = {name: read_row(array, row) for name, array in arrays.items()}
        true = None if truths is None else read_row(truths, row)
        views.append(_sample(row, scenes, pixels["s2"], pixels["s1"], pixels["dw"], true, places, scaling))
    return tuple(views)


def _scaling(store: AnyPath, arrays: Mapping[str, Any]) -> StoreScaling:
    try:
        return stored_scaling(arrays)
    except ValueError as error:
        raise NoldoError(f"{store.name}: {error}.") from error


def _sample(
    row: int,
    scenes: Sequence[IndexRow],
    s2_SBHW: NDArray[np.uint8],
    s1_SBHW: NDArray[np.uint8],
    label_SHW: NDArray[np.uint8],
    truth_SHW: NDArray[np.uint8] | None,
    places: dict[str, Location],
    scaling: StoreScaling,
) -> SampleView:
    location_id = scenes[0].location_id if scenes else f"row {row}"
    by_season = {entry.season: entry for entry in scenes}
    colour, radar = picture.true_colour(s2_SBHW, scaling.s2), picture.false_colour(s1_SBHW, scaling.s1)
    seasons = tuple(
        SeasonView(
            season=season,
            scenes=by_season.get(season),
            s2=colour[season],
            s1=radar[season],
            label=picture.classes(label_SHW[season]),
            truth=None if truth_SHW is None else picture.classes(truth_SHW[season]),
        )
        for season in range(label_SHW.shape[0])
    )
    return SampleView(
        location_id=location_id,
        row=row,
        location=places.get(location_id),
        epsg=scenes[0].epsg if scenes else None,
        labelled=float(np.mean(label_SHW != IGNORE)),
        agreement=None if truth_SHW is None else _agreement(truth_SHW, label_SHW),
        seasons=seasons,
    )


def _agreement(truth: NDArray[np.uint8], label: NDArray[np.uint8]) -> float | None:
    pairs = confusion(truth, label)
    return float(np.trace(pairs) / pairs.sum()) if pairs.sum() else None
