"""The stores of two data sets, read one location at a time; what is not to be had is noted, and the rest goes on."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
import zarr

from pipeline.files import zarr_store
from pipeline.manifest.drift_index import MOVED, pixel_offset, same_scene
from pipeline.manifest.drift_pixels import BANDS, LABELS, PixelTally, overlap
from pipeline.manifest.drift_side import SEASON, Side
from pipeline.schema.bands import Scaling
from pipeline.tile_arrays import is_unreadable

SIDES: Final = ("ours", "published")


@dataclass(frozen=True)
class MissingAsset:
    """Something that one side's index names and that is not to be had there."""

    side: str
    """'ours' or 'published'."""
    what: str
    """For example 'store/dw_train.zarr', or 'osm in store/dw_test.zarr'."""
    why: str
    locations: int
    """Shared locations that lack it."""
    example: str
    """One of them."""


class Gone:
    """What turned out to be missing, by side, what and why."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], list[str]] = defaultdict(list)

    def add(self, side: str, what: str, why: str, location_id: str) -> None:
        """Note that a location lacks something."""
        self._found[side, what, why].append(location_id)

    def assets(self) -> tuple[MissingAsset, ...]:
        """All that was noted."""
        return tuple(MissingAsset(*key, len(set(ids)), ids[0]) for key, ids in sorted(self._found.items()))


@dataclass(frozen=True, eq=False)
class _Held:
    """One array of one side."""

    name: str
    array: Any
    side: str
    store: str
    gone: Gone

    def row(self, number: int, location_id: str) -> Any:
        """One row, (season, ...); None where it cannot be read."""
        try:
            values = np.asarray(self.array[number])
        except Exception as error:
            if not is_unreadable(error):
                raise
            self.gone.add(self.side, f"{self.name} in {self.store}", _first_line(error), location_id)
            return None
        return values if values.ndim == (4 if self.name in BANDS else 3) else values[None]

    def scaling(self, location_id: str) -> tuple[Scaling | None, bool]:
        """What scaled the array, None where it holds raw values; and whether that is known."""
        if self.name not in BANDS or self.array.dtype != np.uint8:
            return None, True
        try:
            return Scaling.from_attributes(self.array.attrs), True
        except ValueError as error:
            self.gone.add(self.side, f"scaling of {self.name} in {self.store}", str(error), location_id)
            return None, False


class Stores:
    """The stores of one side, opened as they are asked for."""

    def __init__(self, side: Side, name: str, gone: Gone) -> None:
        self._root = side.root
        self._name = name
        self._gone = gone
        self._open: dict[str, dict[str, Any] | str] = {}

    def arrays(self, store: str, location_id: str) -> Mapping[str, _Held]:
        """The arrays of a store by name; none where it cannot be opened, which is noted."""
        if store not in self._open:
            self._open[store] = self._opened(store)
        found = self._open[store]
        if isinstance(found, str):
            self._gone.add(self._name, store, found, location_id)
            return {}
        return {name: _Held(name, array, self._name, store, self._gone) for name, array in found.items()}

    def lacks(self, array: str, store: str, location_id: str) -> None:
        """Note that a store has no such array."""
        self._gone.add(self._name, f"{array} in {store}", "not there", location_id)

    def _opened(self, store: str) -> dict[str, Any] | str:
        if self._root is None or not (self._root / store).is_dir():
            return "not there"
        try:
            return dict(zarr.open_group(zarr_store(self._root / store), mode="r").arrays())
        except Exception as error:
            if not is_unreadable(error):
                raise
            return f"cannot be read ({_first_line(error)})"


@dataclass(frozen=True)
class Tallies:
    """What was found in the pixels so far."""

    scenes: Mapping[bool, PixelTally] = field(default_factory=lambda: {True: PixelTally(), False: PixelTally()})
    """Where the two sides show the same scene (True), and elsewhere (False)."""
    shares: dict[tuple[str, str], list[tuple[int, float]]] = field(default_factory=dict)
    """(location, array) -> (season, share of the pixels that differ in any band), of seasons in which some do."""


SENSOR: Final = {"s2": "S2", "s1": "S1", "dw": "S2", "osm": "S2", "dfc": "S2"}
"""Whose scene an array shows, or was labelled on."""


def compare_location(location_id: str, seasons: pd.DataFrame, stores: tuple[Stores, Stores], tallies: Tallies) -> bool:
    """Add the pixels of one location to the tallies; whether there were any to compare.

    `seasons` are its rows of `shared_rows`.
    """
    known = seasons.dropna(subset=["row_ours", "row_published"])
    records = known.to_dict("records")
    first = records[0] if records else None
    offset = None if first is None else pixel_offset(first)
    if first is None or offset == MOVED:
        return False
    names = [str(first[f"store_{side}"]) for side in SIDES]
    held = [stores[at].arrays(names[at], location_id) for at in (0, 1)]
    some = False
    for array in (*BANDS, *LABELS) if all(held) else ():
        there = [array in side for side in held]
        if all(there):
            rows = [int(first[f"row_{side}"]) for side in SIDES]
            pair = (held[0][array], held[1][array])
            alike = [(int(season[SEASON]), same_scene(season, SENSOR[array])) for season in records]
            some |= _compare_arrays(location_id, pair, rows, alike, offset, tallies)
        elif any(there):
            lacking = there.index(False)
            stores[lacking].lacks(array, names[lacking], location_id)
    return some


def _compare_arrays(
    location_id: str,
    pair: tuple[_Held, _Held],
    rows: list[int],
    seasons: Sequence[tuple[int, bool]],
    offset: tuple[int, int] | None,
    tallies: Tallies,
) -> bool:
    """Compare one array of one location, on the ground that both have; whether there was any."""
    values = [one.row(row, location_id) for one, row in zip(pair, rows, strict=True)]
    (scaling, known), (scaling_there, known_there) = (one.scaling(location_id) for one in pair)
    if any(side is None for side in values) or not (known and known_there):
        return False
    if offset is None and values[0].shape[-2:] != values[1].shape[-2:]:
        return False
    shared = overlap(values[0].shape, values[1].shape, offset or (0, 0))
    if shared is None:
        return False
    some = False
    if scaling == scaling_there:
        shares = _shares([side[window] for side, window in zip(values, shared, strict=True)], seasons)
        if shares:
            tallies.shares[location_id, pair[0].name] = shares
    for alike, tally in tallies.scenes.items():
        within = [n for n, same in seasons if same == alike and all(n < len(side) for side in values)]
        if not within:
            continue
        some = True
        ours, published = (side[within][window] for side, window in zip(values, shared, strict=True))
        if pair[0].name in LABELS:
            tally.add_labels(pair[0].name, ours, published)
        else:
            tally.add_images(pair[0].name, ours, published, (scaling, scaling_there))
    return some


def _shares(values: Sequence[Any], seasons: Sequence[tuple[int, bool]]) -> list[tuple[int, float]]:
    """(season, share of its pixels that differ in any band) of those in which some do; values are (season, ...)."""
    found = []
    for season, _ in seasons:
        if all(season < len(side) for side in values):
            unlike = values[0][season] != values[1][season]
            share = float(unlike.reshape(-1, *unlike.shape[-2:]).any(axis=0).mean())
            if share:
                found.append((season, share))
    return found


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
