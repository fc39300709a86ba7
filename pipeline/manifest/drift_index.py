"""Two indices set beside each other: the same ids, the same scenes, the same ground? Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.manifest.drift_side import ID, SCENES, SEASON, Side
from pipeline.schema.grid import PIXEL_M

_S2_SCENE: Final = re.compile(r"(?:S2._MSI\w{3}_)?(\d{8}T\d{6})_.*?T(\d{2}[A-Z]{3})")
"""Start of the data take and tile: the same in Earth Engine's system:index and in ESA's product id."""

EXAMPLES: Final = 5
ON_GRID_PX: Final = 1e-3
"""Two grids whose pixels lie this far apart, in pixels, still coincide."""


@dataclass(frozen=True)
class IdDrift:
    """Which locations both have."""

    ours: int
    published: int
    shared: int
    missing: tuple[str, ...]
    """Published, but not ours."""
    extra: tuple[str, ...]
    """Ours, but not published."""
    other_split: tuple[str, ...]
    """In both, but in another split; empty where one side does not say."""


@dataclass(frozen=True)
class SceneDrift:
    """One sensor's scenes in one season of the shared locations."""

    season: int
    sensor: str
    same: int
    other: int
    """Locations for which the two chose different scenes."""
    only_ours: int
    """Locations whose scene the published index does not name."""
    only_published: int
    neither: int
    examples: tuple[tuple[str, str, str], ...]
    """(location, our scene, the published one) of some that differ."""


@dataclass(frozen=True)
class GridDrift:
    """Where the shared locations and seasons lie."""

    same: int
    shifted: int
    """In the same zone and on the same pixels, but beginning at another, as where a tile was padded."""
    moved: int
    """In another zone, or between the pixels: not to be compared pixel by pixel."""
    unknown: int
    """One side does not say."""


def id_drift(ours: Side, published: Side) -> IdDrift:
    """Which ids both sides have."""
    mine, theirs = ours.ids, published.ids
    return IdDrift(
        ours=len(mine),
        published=len(theirs),
        shared=len(mine.intersection(theirs)),
        missing=tuple(theirs[~theirs.isin(mine)]),
        extra=tuple(mine[~mine.isin(theirs)]),
        other_split=_other_split(ours, published),
    )


def _other_split(ours: Side, published: Side) -> tuple[str, ...]:
    if not (ours.has("split") and published.has("split")):
        return ()
    splits = [side.index.drop_duplicates(ID).set_index(ID)["split"].dropna() for side in (ours, published)]
    mine, theirs = splits[0].align(splits[1], join="inner")
    return tuple(str(location_id) for location_id in mine.index[mine != theirs])


def shared_rows(ours: Side, published: Side) -> pd.DataFrame:
    """The shared locations' rows side by side, a row a location and season; columns end in _ours and _published.

    A season that one side lacks has nulls there. In order of id and season.
    """
    mine = ours.index[ours.index[ID].isin(published.ids)]
    theirs = published.index[published.index[ID].isin(mine[ID])]
    mine, theirs = (side.rename(columns=_ending(side, end)) for side, end in ((mine, "ours"), (theirs, "published")))
    return mine.merge(theirs, on=[ID, SEASON], how="outer", sort=True).reset_index(drop=True)


def scene_drift(rows: pd.DataFrame) -> list[SceneDrift]:
    """Per season and sensor, how far the scenes of `shared_rows` agree; empty where one side names none.

    A scene counts as the same whatever collection it was read from and however it was processed.
    """
    found = []
    for sensor, column in SCENES.items():
        if {f"{column}_ours", f"{column}_published"} <= set(rows.columns):
            for season, group in rows.groupby(SEASON):
                found.append(_season_drift(int(str(season)), sensor, column, group))
    return sorted(found, key=lambda drift: drift.season)


def grid_kinds(rows: pd.DataFrame) -> list[str]:
    """Where each row of `shared_rows` lies on the two sides, as the fields of GridDrift are called."""
    if not {"geotransform_ours", "geotransform_published"} <= set(rows.columns):
        return ["unknown"] * len(rows)
    named = [name for name in rows.columns if name.startswith(("epsg_", "geotransform_"))]
    kinds = ["same" if equal else "" for equal in _grids_equal(rows)]
    unlike = [at for at, kind in enumerate(kinds) if not kind]
    for at, row in zip(unlike, rows.iloc[unlike][named].to_dict("records"), strict=True):
        kinds[at] = _kind(pixel_offset(row))
    return kinds


def _grids_equal(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Rows whose two grids are surely the same; the others take a closer look."""
    sides = [rows[f"geotransform_{side}"].to_numpy(dtype=object) for side in ("ours", "published")]
    whole = np.array([np.size(a) == np.size(b) == 6 for a, b in zip(*sides, strict=True)], dtype=np.bool_)
    if not whole.any() or not {"epsg_ours", "epsg_published"} <= set(rows.columns):
        return np.zeros(len(rows), dtype=np.bool_)
    ours, published = (np.array([list(grid) for grid in side[whole]], dtype=np.float64) for side in sides)
    zones = (rows["epsg_ours"] == rows["epsg_published"]) & (rows["epsg_ours"].fillna(0) != 0)
    equal = np.zeros(len(rows), dtype=np.bool_)
    plain = (ours[:, 0] == PIXEL_M) & (ours[:, 4] == -PIXEL_M)
    equal[whole] = (ours == published).all(axis=1) & plain
    found: NDArray[np.bool_] = equal & zones.to_numpy(dtype=np.bool_, na_value=False)
    return found


def grid_counts(kinds: Iterable[str]) -> GridDrift:
    """How many rows are of each kind."""
    counts = dict.fromkeys(("same", "shifted", "moved", "unknown"), 0)
    for kind in kinds:
        counts[kind] += 1
    return GridDrift(**counts)


def _kind(offset: tuple[int, int] | None) -> str:
    if offset is None:
        return "unknown"
    return "moved" if offset == MOVED else "shifted" if any(offset) else "same"


MOVED: Final = (10**9, 10**9)
"""Stands for two grids that share no pixels."""


def pixel_offset(row: dict[Any, Any]) -> tuple[int, int] | None:
    """(columns, rows) of the published grid's first pixel in ours; MOVED where the grids do not meet, None if unknown.

    `row` is one of `shared_rows`.
    """
    sides = [(row.get(f"epsg_{side}"), row.get(f"geotransform_{side}")) for side in ("ours", "published")]
    if any(pd.isna(zone) or not zone or np.ndim(grid) == 0 for zone, grid in sides):  # type: ignore[arg-type]
        return None
    zones = [zone for zone, _ in sides]
    (a, b, left, d, e, top), (a2, b2, left2, d2, e2, top2) = (np.asarray(grid, dtype=float) for _, grid in sides)
    if zones[0] != zones[1] or (a, b, d, e) != (a2, b2, d2, e2) or (a, e) != (PIXEL_M, -PIXEL_M):
        return MOVED
    columns, lines = (left2 - left) / PIXEL_M, (top - top2) / PIXEL_M
    if max(abs(columns - round(columns)), abs(lines - round(lines))) > ON_GRID_PX:
        return MOVED
    return round(columns), round(lines)


def _season_drift(season: int, sensor: str, column: str, group: pd.DataFrame) -> SceneDrift:
    named = [
        (location_id, *(name if isinstance(name, str) else "" for name in names))
        for location_id, *names in zip(
            *(group[name].to_numpy(dtype=object) for name in (ID, f"{column}_ours", f"{column}_published")), strict=True
        )
    ]
    both = [row for row in named if row[1] and row[2]]
    other = [row for row in both if row[1] != row[2] and scene_key(row[1], sensor) != scene_key(row[2], sensor)]
    return SceneDrift(
        season=season,
        sensor=sensor,
        same=len(both) - len(other),
        other=len(other),
        only_ours=sum(1 for row in named if row[1] and not row[2]),
        only_published=sum(1 for row in named if row[2] and not row[1]),
        neither=sum(1 for row in named if not row[1] and not row[2]),
        examples=tuple(other[:EXAMPLES]),
    )


def scene_key(asset_id: str, sensor: str) -> str:
    """What identifies a scene, whoever names it: for Sentinel-2 its data take and tile, for Sentinel-1 its product."""
    last = asset_id.rpartition("/")[2]
    found = None if sensor == "S1" else _S2_SCENE.match(last)
    return last if found is None else f"{found[1]}_T{found[2]}"


def same_scene(row: dict[Any, Any], sensor: str) -> bool:
    """Whether both sides of a row of `shared_rows` name the same scene of that sensor."""
    ours, published = (row.get(f"{SCENES[sensor]}_{side}") for side in ("ours", "published"))
    named = all(isinstance(name, str) and name for name in (ours, published))
    return named and scene_key(str(ours), sensor) == scene_key(str(published), sensor)


def _ending(side: pd.DataFrame, end: str) -> dict[str, str]:
    return {name: f"{name}_{end}" for name in side.columns if name not in (ID, SEASON)}


def first_few(names: Sequence[str], many: int = EXAMPLES) -> str:
    """Some of the names, and how many more there are."""
    more = f" and {len(names) - many} more" if len(names) > many else ""
    return ", ".join(names[:many]) + more
