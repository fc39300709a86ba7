"""What a build from expert tiles starts from, and what its run directory holds already, read back."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from pipeline.experts import index_experts, place_and_day
from pipeline.funnel_step import FunnelStep, commonest_first
from pipeline.parts import part_inputs, read_part
from pipeline.recipe import canonical_digest
from pipeline.schema.errors import FailureKind, UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.tiles import SPLITS, ExpertTile, FetchedTile, TilePair, UnusableTile
from pipeline.tile_recipe import DwRecipe, ExpertSettings

Record = TypeVar("Record")

FAILED: Final = "could not be had"
"""Asked for in vain: the next run asks again, or the recipe allows a share of such tiles."""

NOTHING_THERE: Final = "no pixels there"
"""The source answered that it has none."""

FILTERS: Final = ("tiles", "pair", "fetch")
"""Stages that drop tiles."""


@dataclass(frozen=True)
class IndexedTiles:
    """The expert tiles of a recipe, as they lie on disk."""

    tiles: tuple[ExpertTile, ...]
    """Training tiles first, then by id."""
    unusable: tuple[UnusableTile, ...]
    digest: str
    """Of the tiles' content, whatever their paths."""


def index_tiles(settings: ExpertSettings) -> IndexedTiles:
    """Read all expert tiles that a recipe names; UsageError where there are none.

    A tile that is both a training tile and a hold-out tile, by its place and day, is a hold-out tile only.
    """
    tiles: dict[str, ExpertTile] = {}
    unusable: list[UnusableTile] = []
    for folder, split in settings.folders():
        found, refused = index_experts(folder, split)
        unusable += refused
        for tile in sorted(found, key=lambda tile: SPLITS.index(tile.split)):
            other = tiles.get(place_and_day(tile.tile_id))
            if other is not None:
                unusable.append(UnusableTile(other.file, "in both splits", f"it is a {tile.split} tile too"))
            tiles[place_and_day(tile.tile_id)] = tile
    if not tiles:
        where = ", ".join(str(folder) for folder, _ in settings.folders())
        first = next((f"; the first file, {one.file}: {one.reason} ({one.detail})" for one in unusable), "")
        raise UsageError(f"experts: no expert tile in {where}{first}")
    ordered = sorted(tiles.values(), key=lambda tile: (SPLITS.index(tile.split), tile.tile_id))
    digest = canonical_digest([[tile.tile_id, tile.split, tile.sha256] for tile in ordered])
    return IndexedTiles(tuple(ordered), tuple(unusable), digest)


def tiles_inputs(recipe: DwRecipe, tiles_digest: str, part: int) -> str:
    """The inputs digest of a part of the tiles."""
    return canonical_digest(["tiles", tiles_digest, recipe.part_tiles, part])


def tile_parts(recipe: DwRecipe, tiles: Sequence[ExpertTile]) -> Iterator[tuple[int, Sequence[ExpertTile]]]:
    """(part, its tiles), in order."""
    for part, start in enumerate(range(0, len(tiles), recipe.part_tiles)):
        yield part, tiles[start : start + recipe.part_tiles]


def read_tables(run: RunLayout, stage: str, parts: int, record: type[Record]) -> Iterator[Record]:
    """A stage's records of all parts, in order, a part at a time."""
    for part in range(parts):
        yield from read_part(run.table(stage, part), record)


def tiles_step(tiles: int, unusable: Iterable[UnusableTile]) -> FunnelStep:
    """The first step: files that are expert tiles."""
    reasons = Counter(one.reason for one in unusable)
    return FunnelStep("tiles", tiles + reasons.total(), tiles, commonest_first(reasons))


def pair_step(pairs: Iterable[TilePair]) -> FunnelStep:
    """The second: tiles that have their two scenes."""
    reasons = Counter(f"scenes {FAILED}" if pair.failure_kind else pair.reason for pair in pairs)
    return _step("pair", reasons)


def fetch_step(fetched: Iterable[FetchedTile]) -> FunnelStep:
    """The third: tiles whose pixels are there and were observed."""
    reasons = Counter(why_not_fetched(tile) for tile in fetched)
    return _step("fetch", reasons)


def why_not_fetched(tile: FetchedTile) -> str:
    """The reason for which a tile's pixels are not there; empty where they are."""
    if tile.failure_kind is None:
        return tile.reason
    return NOTHING_THERE if tile.failure_kind is FailureKind.EMPTY else f"pixels {FAILED}"


def _step(stage: str, reasons: Counter[str]) -> FunnelStep:
    entered, kept = reasons.total(), reasons.pop("", 0)
    return FunnelStep(stage, entered, kept, commonest_first(reasons))


def read_tile_funnel(run: RunLayout, parts: int, stages: Sequence[str]) -> tuple[FunnelStep, ...]:
    """The funnel of the stages that have been run."""
    tiles = sum(1 for _ in read_tables(run, "tiles", parts, _Id))
    steps = [tiles_step(tiles, read_part(run.table("unusable", 0), UnusableTile))]
    if "pair" in stages:
        steps.append(pair_step(read_tables(run, "pair", parts, TilePair)))
    if "fetch" in stages:
        steps.append(fetch_step(read_tables(run, "fetch", parts, FetchedTile)))
    return tuple(steps)


@dataclass(frozen=True)
class _Id:
    tile_id: str


def same_tiles(run: RunLayout, recipe: DwRecipe, indexed: IndexedTiles) -> bool:
    """Whether the committed parts are those of these tiles."""
    parts = tile_parts(recipe, indexed.tiles)
    return all(part_inputs(run.table("tiles", n)) == tiles_inputs(recipe, indexed.digest, n) for n, _ in parts)
