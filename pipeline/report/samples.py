"""A few locations of a store over their seasons, as layers, with their scenes."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.files import listed
from pipeline.report.gather import IndexRow, RunRecord
from pipeline.report.label_counts import confusion, evenly_spaced, open_array, read_row
from pipeline.report.layers import Layer, class_layer, confidence_layer, error_layer, image_layers
from pipeline.report.sample_view import SampleView, season_view
from pipeline.report.words import percent, position
from pipeline.scaling import StoreScaling
from pipeline.schema.errors import NoldoError
from pipeline.schema.landcover import IGNORE
from pipeline.schema.layout import ADDED_LABELS
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import Location
from pipeline.store_arrays import ARRAY_NAMES, PROBABILITIES, stored_scaling

MOST_ADDED: Final = 4
"""Arrays of added labels that are shown, by name; more would make the page heavy."""

CONFIDENCE_ENDING: Final = "_confidence"
"""How the arrays end that say how sure added labels are."""


@dataclass(frozen=True)
class _Opened:
    """The arrays of a store that samples are made of."""

    arrays: Mapping[str, Any]
    probabilities: Any | None
    added: Mapping[str, Any]
    truth: Any | None
    scaling: StoreScaling


def sample_views(run: RunRecord, store: AnyPath, truth: AnyPath | None, most: int) -> tuple[SampleView, ...]:
    """At most `most` locations, evenly spaced over the store; NoldoError where the store cannot be read."""
    opened = _open(store, truth)
    places = {location.location_id: location for location in run.locations}
    rows = evenly_spaced(opened.arrays["dw"].shape[0], most)
    scenes: defaultdict[int, list[IndexRow]] = defaultdict(list)
    for entry in run.scenes_of(rows):
        scenes[entry.row].append(entry)
    return tuple(_sample(opened, row, scenes[row], places) for row in rows)


def _open(store: AnyPath, truth: AnyPath | None) -> _Opened:
    arrays = {name: open_array(store, name) for name in ARRAY_NAMES}
    shape = arrays["dw"].shape
    folders = (path.parent for path in listed(store / ADDED_LABELS, "*/zarr.json"))
    names = sorted(path.name for path in folders if not path.name.startswith("."))[:MOST_ADDED]
    added = {name: open_array(store / ADDED_LABELS, name) for name in names}
    has_probabilities = (store / PROBABILITIES / "zarr.json").is_file()
    try:
        scaling = stored_scaling(arrays)
    except ValueError as error:
        raise NoldoError(f"{store.name}: {error}.") from error
    return _Opened(
        arrays=arrays,
        probabilities=open_array(store, PROBABILITIES) if has_probabilities else None,
        added={name: array for name, array in added.items() if array.shape == shape},
        truth=None if truth is None else open_array(truth, "truth"),
        scaling=scaling,
    )


def _sample(opened: _Opened, row: int, scenes: Sequence[IndexRow], places: Mapping[str, Location]) -> SampleView:
    location_id = scenes[0].location_id if scenes else f"row {row}"
    by_season = {entry.season: entry for entry in scenes}
    label = read_row(opened.arrays["dw"], row)
    truth = None if opened.truth is None else read_row(opened.truth, row)
    epsg = scenes[0].epsg if scenes else None
    return SampleView(
        location_id=location_id,
        side_px=label.shape[-1],
        facts=tuple(_facts(row, places.get(location_id), epsg, label, truth)),
        seasons=tuple(season_view(f"Season {s + 1}", by_season.get(s)) for s in range(label.shape[0])),
        layers=tuple(_layers(opened, row, label, truth)),
    )


def _facts(
    row: int,
    place: Location | None,
    epsg: int | None,
    label_SHW: NDArray[np.uint8],
    truth_SHW: NDArray[np.uint8] | None,
) -> Iterator[str]:
    if place is not None:
        yield position(place.lat_deg, place.lon_deg)
    if epsg is not None:
        yield f"EPSG:{epsg}"
    yield f"row {row}"
    yield f"{percent(float(np.mean(label_SHW != IGNORE)), 0)} labelled"
    pairs = None if truth_SHW is None else confusion(truth_SHW, label_SHW)
    if pairs is not None and pairs.sum():
        yield f"{percent(float(np.trace(pairs) / pairs.sum()), 0)} of the labels right"


def _layers(
    opened: _Opened, row: int, label_SHW: NDArray[np.uint8], truth_SHW: NDArray[np.uint8] | None
) -> Iterator[Layer]:
    s2, s1 = (read_row(opened.arrays[name], row) for name in ("s2", "s1"))
    yield from image_layers(s2, s1, opened.scaling.s2, opened.scaling.s1)
    yield class_layer("label", "DW label", label_SHW, "dw")
    if opened.probabilities is not None:
        likeliest = read_row(opened.probabilities, row).max(axis=1)
        yield confidence_layer("probability", "DW probability", likeliest)
    for name, array in opened.added.items():
        if name.endswith(CONFIDENCE_ENDING):
            yield confidence_layer(f"added-{name}", name.replace("_", " "), read_row(array, row))
        else:
            yield class_layer(f"added-{name}", f"Labels '{name}'", read_row(array, row), "dw")
    if truth_SHW is not None:
        yield class_layer("truth", "Truth", truth_SHW, "dw")
        yield error_layer(label_SHW, truth_SHW)
