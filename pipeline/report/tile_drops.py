"""Why tiles are not in a downstream set: how many for which reason, with an example."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.manifest.made_from import Dropped

STAGE_WORDS: Final = {
    "tiles": "reading the files",
    "import": "reading the files",
    "pair": "pairing with scenes",
    "fetch": "fetching pixels",
    "labels": "labelling with OSM",
    "agreement": "agreement of OSM and DW",
    "split": "splitting",
}


@dataclass(frozen=True)
class DropReason:
    """One reason of one stage."""

    stage: str
    reason: str
    tiles: int
    splits: str
    """How many of which split, in words; empty where no split is known."""
    example: str
    """The first of them by id, and what is said of it."""


def drop_reasons(dropped: Sequence[Dropped]) -> tuple[DropReason, ...]:
    """The reasons in the order of the stages, the commonest of a stage first."""
    found: defaultdict[tuple[str, str], list[Dropped]] = defaultdict(list)
    for tile in sorted(dropped, key=lambda tile: tile.location_id):
        found[tile.stage, tile.reason].append(tile)
    order = {stage: at for at, stage in enumerate(STAGE_WORDS)}
    keys = sorted(found, key=lambda key: (order.get(key[0], len(order)), -len(found[key]), key[1]))
    return tuple(_reason(*key, found[key]) for key in keys)


def _reason(stage: str, reason: str, tiles: Sequence[Dropped]) -> DropReason:
    splits = sorted({tile.split for tile in tiles if tile.split})
    first = tiles[0]
    return DropReason(
        stage=STAGE_WORDS.get(stage, stage),
        reason=reason,
        tiles=len(tiles),
        splits=", ".join(f"{sum(tile.split == split for tile in tiles)} {split}" for split in splits),
        example=f"{first.location_id}: {first.detail}" if first.detail else first.location_id,
    )
