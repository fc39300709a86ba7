"""How far a rebuilt data set differs from another: ids, scenes, ground, labels, bands, and what is missing."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.manifest.drift_index import (
    GridDrift,
    IdDrift,
    SceneDrift,
    grid_drift,
    id_drift,
    scene_drift,
    shared_rows,
)
from pipeline.manifest.drift_pixels import BandDrift, LabelDrift, PixelTally
from pipeline.manifest.drift_side import ID, Side
from pipeline.manifest.drift_stores import Gone, MissingAsset, Stores, compare_location


@dataclass(frozen=True)
class Drift:
    """A comparison's result."""

    ours: str
    published: str
    ids: IdDrift
    scenes: tuple[SceneDrift, ...]
    grids: GridDrift
    pixel_locations: int
    """Locations whose pixels were compared."""
    labels: tuple[LabelDrift, ...]
    bands: tuple[BandDrift, ...]
    labels_same_scene: tuple[LabelDrift, ...]
    """Of `labels`, what is of locations and seasons for which both sides name the same Sentinel-2 scene."""
    bands_same_scene: tuple[BandDrift, ...]
    """Of `bands`, what is of locations and seasons for which both sides name the same scene of that sensor."""
    missing: tuple[MissingAsset, ...]

    @property
    def differs_in(self) -> tuple[str, ...]:
        """What differs, of ids, scenes, grids, labels, bands and assets; empty where nothing does."""
        found = {
            "ids": self.ids.missing or self.ids.extra or self.ids.other_split,
            "scenes": any(s.other or s.only_ours or s.only_published for s in self.scenes),
            "grids": self.grids.shifted or self.grids.moved,
            "labels": any(x.both != x.equal or x.only_ours or x.only_published for x in self.labels),
            "bands": any(b.pixels != b.equal or b.only_ours or b.only_published for b in self.bands),
            "assets": self.missing,
        }
        return tuple(name for name, differs in found.items() if differs)

    def as_json(self) -> dict[str, Any]:
        """Plain data for --json."""
        return {**dataclasses.asdict(self), "differs_in": list(self.differs_in)}


def compare(
    ours: Side,
    published: Side,
    *,
    locations: int | None = None,
    on_location: Callable[[int, int], None] = lambda _done, _total: None,
) -> Drift:
    """Compare two sides; pixels of at most `locations` shared locations, spread evenly over ours, one at a time.

    `on_location` is told (done, total) of those. What cannot be read is told as missing, and the rest goes on. Pixels
    are compared where both sides have stores, on the ground that two grids of the same pixels share.
    """
    rows = shared_rows(ours, published)
    tallies, gone, compared = {True: PixelTally(), False: PixelTally()}, Gone(), 0
    if ours.root is not None and published.root is not None:
        stores = (Stores(ours, "ours", gone), Stores(published, "published", gone))
        ids = _spread(rows[ID].unique(), locations)
        chosen = rows[rows[ID].isin(ids)]
        for done, (location_id, seasons) in enumerate(chosen.groupby(ID, sort=False), 1):
            compared += compare_location(str(location_id), seasons, stores, tallies)
            on_location(done, len(ids))
    total = tallies[True].merged(tallies[False])
    return Drift(
        ours=ours.where,
        published=published.where,
        ids=id_drift(ours, published),
        scenes=tuple(scene_drift(rows)),
        grids=grid_drift(rows),
        pixel_locations=compared,
        labels=tuple(total.label_drift()),
        bands=tuple(total.band_drift()),
        labels_same_scene=tuple(tallies[True].label_drift()),
        bands_same_scene=tuple(tallies[True].band_drift()),
        missing=gone.assets(),
    )


def _spread(ids: Any, many: int | None) -> Any:
    if many is None or many >= len(ids):
        return ids
    return ids[np.linspace(0, len(ids), many, endpoint=False).astype(int)]
