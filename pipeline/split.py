"""Which tiles become the test set: the hold-out tiles, and a draw of training tiles that lie apart from the rest."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.nearness import LonLat, nearest, pairs_within
from pipeline.schema.osm_records import SplitChoice
from pipeline.schema.strict import Strict
from pipeline.schema.tiles import Split

TOO_NEAR: str = "too near to a test tile"


class SplitSettings(Strict):
    """How the tiles that passed are split."""

    test_tiles: int = Field(default=400, ge=0)
    """Size of the test set: all hold-out tiles that passed, and training tiles drawn until there are so many."""
    separation_km: float = Field(default=10.0, ge=0)
    """Least distance from a test tile to a training tile, centre to centre along the sphere; tiles of 5.12 km share no
    ground beyond 7.3 km. A draw takes tiles that lie nearer to one another than this together, or not at all."""
    seed: int = 0
    """Of the draw."""


@dataclass(frozen=True)
class Candidate:
    """One tile that may become part of either split."""

    tile_id: str
    published: Split
    """Split of the Dynamic World tile."""
    centre: LonLat


def split_tiles(tiles: Sequence[Candidate], settings: SplitSettings) -> list[SplitChoice]:
    """Put every tile into a split, in the order given; whatever that order, the same tiles give the same split.

    Tiles are grouped so that every two within `separation_km` are in one group. Groups that hold a hold-out tile come
    first: their training tiles go to the test set while there is room, and after that those are left out that lie
    within `separation_km` of a test tile. The others are drawn whole, in an order that the seed decides, as long as
    they fit.
    """
    ordered = sorted(tiles, key=lambda tile: tile.tile_id)
    held_out = sum(tile.published == "test" for tile in ordered)
    room = max(settings.test_tiles - held_out, 0)
    chosen: dict[str, SplitChoice] = {}
    groups = sorted(_groups(ordered, settings.separation_km * 1000), key=lambda g: _drawn(settings.seed, g[0].tile_id))
    for group in sorted(groups, key=lambda members: all(tile.published == "train" for tile in members)):
        training = [tile for tile in group if tile.published == "train"]
        held = [tile for tile in group if tile.published == "test"]
        drawn = sorted(training, key=lambda tile: _drawn(settings.seed, tile.tile_id))
        taken = drawn[:room] if held or len(drawn) <= room else []
        room -= len(taken)
        chosen |= {tile.tile_id: _choice(tile, "test") for tile in (*held, *taken)}
        chosen |= {c.tile_id: c for c in _trained_on(drawn[len(taken) :], [*held, *taken], settings)}
    return [chosen[tile.tile_id] for tile in tiles]


def _trained_on(rest: Sequence[Candidate], tested: Sequence[Candidate], settings: SplitSettings) -> list[SplitChoice]:
    """The tiles of a group that found no room in the test set: trained on, or left out beside one that is tested on."""
    choices = {tile.tile_id: _choice(tile, "train") for tile in rest}
    around = nearest([tile.centre for tile in rest], [tile.centre for tile in tested])
    for tile, near in zip(rest, around, strict=True):
        for at, metres in near:
            if metres <= settings.separation_km * 1000:
                detail = f"{metres / 1000:.1f} km from {tested[at].tile_id}, test set full"
                choices[tile.tile_id] = SplitChoice(tile.tile_id, "train", "", TOO_NEAR, detail)
    return list(choices.values())


def _choice(tile: Candidate, split: Split) -> SplitChoice:
    return SplitChoice(tile.tile_id, tile.published, split, "", "")


def _groups(tiles: Sequence[Candidate], reach_m: float) -> Iterator[list[Candidate]]:
    """The tiles in groups: every two within reach are in one, directly or by way of others."""
    pairs = np.array(pairs_within([tile.centre for tile in tiles], reach_m), np.int64).reshape(-1, 2)
    links = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(len(tiles), len(tiles)))
    count, group_of = connected_components(links, directed=False)
    for group in range(count):
        yield [tiles[at] for at in np.flatnonzero(group_of == group).tolist()]


def _drawn(seed: int, tile_id: str) -> bytes:
    """Where a tile stands in the draw: as random as SHA-256 and the same in every run and on every machine."""
    return hashlib.sha256(f"{seed}:{tile_id}".encode()).digest()
