"""Raw pixels given back once the store holds them, and fetched again where a store is to be made anew."""

from collections import defaultdict
from collections.abc import Iterable

from pipeline import staging
from pipeline.files import listed, remove
from pipeline.schema.errors import NoldoError
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import StoreRow


def free_packed(run: RunLayout, rows: Iterable[StoreRow]) -> None:
    """Remove the staged pixels of rows that the store holds, and has been seen to hold. Safe to repeat."""
    for part, tile_rows in _by_part(rows).items():
        staging.free_rows(run.tile(part), sorted(tile_rows))


def free_all(run: RunLayout, parts: int) -> None:
    """Remove the staged pixels of a finished store's run, those of the locations that were dropped too."""
    for part in range(parts):
        staging.free_rows(run.tile(part), sorted(staging.tile_rows(run.tile(part)).present))


def require_staged(run: RunLayout, rows: Iterable[StoreRow]) -> None:
    """Raise NoldoError, one plain line, where pixels are wanted again after they were freed."""
    rows = list(rows)
    for part, wanted in _by_part(rows).items():
        freed = wanted & staging.tile_rows(run.tile(part)).freed
        if freed:
            row = next(r for r in rows if r.tile_part == part and r.tile_row in freed)
            raise NoldoError(
                f"the raw pixels of {row.location_id} were freed after packing (store.staging: free), but the store "
                f"is to be packed anew; run the same command with --remake to fetch them again"
            )


def anything_freed(run: RunLayout) -> bool:
    """Whether any part's pixels were freed."""
    return any(staging.tile_rows(tile).freed for tile in listed(run.tile(0).parent, "part-*.zarr"))


def forget_freed(run: RunLayout) -> None:
    """Remove the parts of which anything was freed: the next export fetches them again, whole."""
    for tile in listed(run.tile(0).parent, "part-*.zarr"):
        if staging.tile_rows(tile).freed:
            remove(tile)


def _by_part(rows: Iterable[StoreRow]) -> dict[int, set[int]]:
    parts: dict[int, set[int]] = defaultdict(set)
    for row in rows:
        parts[row.tile_part].add(row.tile_row)
    return parts
