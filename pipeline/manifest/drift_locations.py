"""What differs at each shared location, and in each season of them: scenes, baselines, ground, pixels. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from pipeline.manifest.drift_index import GridDrift, grid_counts, scene_key
from pipeline.manifest.drift_rows import RowDrift
from pipeline.manifest.drift_side import ID, SCENES, SEASON

TOP_CHANGES: Final = 5
BASELINE: Final = "processing_baseline"


@dataclass(frozen=True)
class SeasonDrift:
    """One season of the shared locations, beside its scenes."""

    season: int
    baselines_same: int
    baselines_other: int
    baselines_unknown: int
    """Locations of which one side names no processing baseline."""
    baseline_changes: tuple[tuple[str, str, int], ...]
    """(our processing baseline, the published one, locations), the most frequent of those that differ."""
    grids: GridDrift


@dataclass(frozen=True)
class SceneChange:
    """Another scene, or one on one side only."""

    season: int
    sensor: str
    ours: str | None
    published: str | None


@dataclass(frozen=True)
class ArrayChange:
    """An array whose values differ at a location."""

    array: str
    seasons: tuple[tuple[int, float], ...]
    """(season, share of the pixels that differ in any band, 0..1) where pixels of both were read and scaled alike."""


@dataclass(frozen=True)
class LocationDrift:
    """All that differs at one shared location."""

    location_id: str
    scenes: tuple[SceneChange, ...]
    baselines: tuple[tuple[int, str, str], ...]
    """(season, ours, published)."""
    grids: tuple[int, ...]
    """Seasons that lie elsewhere."""
    arrays: tuple[ArrayChange, ...]


Shares = Mapping[tuple[str, str], Sequence[tuple[int, float]]]
"""(location, array) -> (season, share of the pixels that differ), of seasons in which some do."""


@dataclass
class _Found:
    scenes: list[SceneChange] = field(default_factory=list)
    baselines: list[tuple[int, str, str]] = field(default_factory=list)
    grids: list[int] = field(default_factory=list)
    arrays: dict[str, tuple[tuple[int, float], ...]] = field(default_factory=dict)


def season_drift(rows: pd.DataFrame, grids: Sequence[str]) -> tuple[SeasonDrift, ...]:
    """Baselines and ground of `shared_rows` a season; `grids` is what `grid_kinds` says of the same rows."""
    kinds = pd.Series(list(grids), index=rows.index, dtype=object)
    found = []
    for season, group in rows.groupby(SEASON):
        pairs = _pairs(group, BASELINE)
        known = [pair for pair in pairs if None not in pair]
        other = Counter((str(a), str(b)) for a, b in known if a != b)
        found.append(
            SeasonDrift(
                season=int(str(season)),
                baselines_same=len(known) - other.total(),
                baselines_other=other.total(),
                baselines_unknown=len(pairs) - len(known),
                baseline_changes=tuple((*pair, many) for pair, many in other.most_common(TOP_CHANGES)),
                grids=grid_counts(kinds[group.index]),
            )
        )
    return tuple(found)


def location_drift(
    rows: pd.DataFrame, grids: Sequence[str], digests: Sequence[RowDrift] | None, shares: Shares
) -> tuple[LocationDrift, ...]:
    """Every shared location at which something differs, in order of id."""
    found: dict[str, _Found] = defaultdict(_Found)
    ids, seasons = rows[ID].to_numpy(), rows[SEASON].to_numpy()
    for sensor, column in SCENES.items():
        for at, (ours, published) in enumerate(_pairs(rows, column)):
            if ours != published and _other_scene(ours, published, sensor):
                found[ids[at]].scenes.append(SceneChange(int(seasons[at]), sensor, ours, published))
    for at, (ours, published) in enumerate(_pairs(rows, BASELINE)):
        if None not in (ours, published) and ours != published:
            found[ids[at]].baselines.append((int(seasons[at]), str(ours), str(published)))
    for at, kind in enumerate(grids):
        if kind in ("shifted", "moved"):
            found[ids[at]].grids.append(int(seasons[at]))
    for one in digests or ():
        for location_id in one.changed:
            found[location_id].arrays[one.array] = ()
    for (location_id, array), some in shares.items():
        found[location_id].arrays[array] = tuple(some)
    return tuple(_told(location_id, found[location_id]) for location_id in sorted(found))


def _told(location_id: str, found: _Found) -> LocationDrift:
    return LocationDrift(
        location_id=location_id,
        scenes=tuple(sorted(found.scenes, key=lambda change: (change.season, change.sensor))),
        baselines=tuple(found.baselines),
        grids=tuple(found.grids),
        arrays=tuple(ArrayChange(array, seasons) for array, seasons in sorted(found.arrays.items())),
    )


def _other_scene(ours: str | None, published: str | None, sensor: str) -> bool:
    return ours is None or published is None or scene_key(ours, sensor) != scene_key(published, sensor)


def _pairs(rows: pd.DataFrame, column: str) -> list[tuple[str | None, str | None]]:
    """The column's values on both sides; none where one side has no such column."""
    names = (f"{column}_ours", f"{column}_published")
    if not set(names) <= set(rows.columns):
        return [(None, None)] * len(rows)
    plain = [[_text(value) for value in rows[name].to_numpy(dtype=object)] for name in names]
    return list(zip(*plain, strict=True))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
