"""How far a rebuilt data set differs from another: ids, scenes, ground, labels, bands, and what is missing."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.manifest.drift_columns import ColumnDrift, column_drift
from pipeline.manifest.drift_facts import SECTIONS, FactChange, ManifestFacts, fact_changes, read_facts
from pipeline.manifest.drift_index import (
    GridDrift,
    IdDrift,
    SceneDrift,
    grid_counts,
    grid_kinds,
    id_drift,
    scene_drift,
    shared_rows,
)
from pipeline.manifest.drift_locations import LocationDrift, SeasonDrift, location_drift, season_drift
from pipeline.manifest.drift_pixels import BANDS, LABELS, BandDrift, LabelDrift
from pipeline.manifest.drift_rows import RowDrift, differing, row_drift
from pipeline.manifest.drift_side import ID, Side
from pipeline.manifest.drift_stores import Gone, MissingAsset, Stores, Tallies, compare_location


@dataclass(frozen=True)
class Drift:
    """A comparison's result."""

    ours: str
    published: str
    ids: IdDrift
    scenes: tuple[SceneDrift, ...]
    grids: GridDrift
    seasons: tuple[SeasonDrift, ...]
    columns: tuple[ColumnDrift, ...]
    """What else the indices say of each location and season."""
    rows: tuple[RowDrift, ...] | None
    """By array, from the digests that both manifests hold; None where one holds none."""
    locations: tuple[LocationDrift, ...]
    """The shared locations at which something differs."""
    facts: tuple[FactChange, ...]
    """What the manifests say differently of recipe, code, release and licences."""
    content: tuple[str | None, str | None]
    """The content digests that the manifests state, ours and the published one."""
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
        """What differs, of ids, scenes, baselines, grids, index, pixels (by their digests), labels, bands, assets,
        recipe, code, release and licences; empty where nothing does. What has only moved to another row does not count.
        """
        found = {
            "ids": self.ids.missing or self.ids.extra or self.ids.other_split,
            "scenes": any(s.other or s.only_ours or s.only_published for s in self.scenes),
            "baselines": any(s.baselines_other for s in self.seasons),
            "grids": self.grids.shifted or self.grids.moved,
            "index": any(c.other for c in self.columns),
            "pixels": any(r.changed or r.only_ours or r.only_published for r in self.rows or ()),
            "labels": any(x.both != x.equal or x.only_ours or x.only_published for x in self.labels),
            "bands": any(b.pixels != b.equal or b.only_ours or b.only_published for b in self.bands),
            "assets": self.missing,
        }
        found |= {name: any(fact.section == name for fact in self.facts) for name in SECTIONS}
        return tuple(name for name, differs in found.items() if differs)

    def as_json(self) -> dict[str, Any]:
        """Plain data for --json."""
        return {**dataclasses.asdict(self), "differs_in": list(self.differs_in)}


def compare(
    ours: Side,
    published: Side,
    *,
    locations: int | None = None,
    reread: bool = False,
    on_location: Callable[[int, int], None] = lambda _done, _total: None,
) -> Drift:
    """Compare two sides; where both have digests of their rows, pixels are read only of locations where these differ.

    Pixels are compared where both sides have stores, on the ground that two grids of the same pixels share: of at
    most `locations` locations, spread evenly over ours, one at a time, of which `on_location` is told (done, total).
    With `reread` digests are not relied on. What cannot be read is told as missing, and the rest goes on.
    """
    rows = shared_rows(ours, published)
    digests, kinds = None if reread else row_drift(ours, published), grid_kinds(rows)
    tallies, gone, compared = Tallies(), Gone(), 0
    if ours.root is not None and published.root is not None:
        stores = (Stores(ours, "ours", gone), Stores(published, "published", gone))
        ids = rows[ID].unique()
        if digests is not None:
            unlike = differing(digests, (*BANDS, *LABELS))
            ids = ids[[location_id in unlike for location_id in ids]]
        ids = _spread(ids, locations)
        chosen = rows[rows[ID].isin(ids)]
        for done, (location_id, seasons) in enumerate(chosen.groupby(ID, sort=False), 1):
            compared += compare_location(str(location_id), seasons, stores, tallies)
            on_location(done, len(ids))
    total = tallies.scenes[True].merged(tallies.scenes[False])
    facts = read_facts(ours.manifest), read_facts(published.manifest)
    return Drift(
        ours=ours.where,
        published=published.where,
        ids=id_drift(ours, published),
        scenes=tuple(scene_drift(rows)),
        grids=grid_counts(kinds),
        seasons=season_drift(rows, kinds),
        columns=column_drift(rows),
        rows=digests,
        locations=location_drift(rows, kinds, digests, tallies.shares),
        facts=fact_changes(*facts),
        content=(_dataset(facts[0]), _dataset(facts[1])),
        pixel_locations=compared,
        labels=tuple(total.label_drift()),
        bands=tuple(total.band_drift()),
        labels_same_scene=tuple(tallies.scenes[True].label_drift()),
        bands_same_scene=tuple(tallies.scenes[True].band_drift()),
        missing=gone.assets(),
    )


def _dataset(facts: ManifestFacts | None) -> str | None:
    return None if facts is None else facts.dataset


def _spread(ids: Any, many: int | None) -> Any:
    if many is None or many >= len(ids):
        return ids
    return ids[np.linspace(0, len(ids), many, endpoint=False).astype(int)]
