"""What two indices say otherwise of the same location and season, beside its scenes and its ground. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from pipeline.manifest.drift_side import FIGURES, ID, SEASON

EXAMPLES: Final = 5


@dataclass(frozen=True)
class ColumnDrift:
    """One column of the index over the shared locations and seasons of which both sides state it."""

    column: str
    same: int
    other: int
    seasons: tuple[tuple[int, int], ...]
    """(season, locations for which it differs), of seasons in which some do."""
    examples: tuple[tuple[str, int, str, str], ...]
    """(location, season, ours, published) of some that differ."""


def column_drift(rows: pd.DataFrame) -> tuple[ColumnDrift, ...]:
    """A column each of `shared_rows` that both sides have."""
    return tuple(_columns(rows))


def _columns(rows: pd.DataFrame) -> Iterator[ColumnDrift]:
    for column in FIGURES:
        names = [f"{column}_ours", f"{column}_published"]
        if not set(names) <= set(rows.columns):
            continue
        known = rows[[ID, SEASON, *names]].dropna()
        other = known[(known[names[0]] != known[names[1]]).to_numpy()]
        counts = other.groupby(SEASON).size()
        yield ColumnDrift(
            column=column,
            same=len(known) - len(other),
            other=len(other),
            seasons=tuple((int(str(season)), int(many)) for season, many in counts.items()),
            examples=tuple(map(_example, other.head(EXAMPLES).itertuples(index=False, name=None))),
        )


def _example(row: Any) -> tuple[str, int, str, str]:
    location_id, season, ours, published = row
    return str(location_id), int(season), str(ours), str(published)
