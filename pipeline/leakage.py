"""Whether what a network is tested on lies on or beside what it was trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal

from pydantic import Field

from pipeline.nearness import LonLat, nearest
from pipeline.schema.osm_records import Nearness
from pipeline.schema.strict import Strict

EXAMPLES: Final = 3

NEAR_PRETRAINING: Final = "near a pretraining location"


class LeakageSettings(Strict):
    """What counts as too near to a place that the network was pretrained on."""

    pretraining: str | None = None
    """Run directory (or manifest folder) of the pretraining set; without it nothing can be said about that set."""
    distance_km: float = Field(default=5.5, ge=0)
    """Least distance from a tile to a pretraining location, centre to centre along the sphere: a tile of 5.12 km and a
    patch of 2.64 km share no ground beyond 5.5 km."""
    near: Literal["drop", "allow"] = "drop"
    """What becomes of tiles that lie nearer: left out, or kept and reported."""


@dataclass(frozen=True)
class Place:
    """One location of any set."""

    location_id: str
    centre: LonLat


def near_to(places: Sequence[Place], others: Sequence[Place], reach_m: float) -> dict[str, tuple[str, float]]:
    """The places within reach of another set, with the id and the distance (metres) of the nearest there."""
    found = zip(places, nearest([p.centre for p in places], [p.centre for p in others]), strict=True)
    return {
        place.location_id: (others[at].location_id, metres)
        for place, around in found
        for at, metres in around
        if metres <= reach_m
    }


def leakage(sets: Mapping[str, Sequence[Place]], reach_m: float) -> tuple[Nearness, ...]:
    """How near every two of the named sets come to each other, in the order of their names in `sets`.

    The same id in both sets is the same place; it is counted in `same` and left out of `near` and of the distance.
    """
    return tuple(nearness(one, other, sets[one], sets[other], reach_m) for one, other in combinations(sets, 2))


def nearness(one: str, other: str, first: Sequence[Place], second: Sequence[Place], reach_m: float) -> Nearness:
    """The same of two sets, `first` named `one` and `second` named `other`."""
    ids = {place.location_id for place in second}
    # Two of the other set: where the nearest is the place itself, the second nearest is another.
    found = zip(first, nearest([p.centre for p in first], [p.centre for p in second], most=2), strict=True)
    apart = sorted(
        (metres, place.location_id, second[at].location_id)
        for place, around in found
        for at, metres in [n for n in around if second[n[0]].location_id != place.location_id][:1]
    )
    near = [pair for pair in apart if pair[0] <= reach_m]
    return Nearness(
        first=one,
        second=other,
        first_count=len(first),
        second_count=len(second),
        reach_m=reach_m,
        same=sum(place.location_id in ids for place in first),
        near=len(near),
        nearest_m=apart[0][0] if apart else None,
        examples=tuple(f"{a} - {b}: {metres:.0f} m" for metres, a, b in near[:EXAMPLES]),
    )
