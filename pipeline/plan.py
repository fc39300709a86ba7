"""What a build would ask for, take and spend: an estimate from the recipe alone, before anything is asked of anyone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.budget import PIXEL_REQUEST_STAGE, S_PER_HOUR, SCENE_QUERY_STAGE
from pipeline.export import plan_requests
from pipeline.pack import n_shards
from pipeline.recipe import Recipe
from pipeline.sample import SampleSettings, sample
from pipeline.sampling.region import read_region
from pipeline.schema.grid import patch_grid
from pipeline.schema.records import N_SEASONS, Location, SeasonMatch
from pipeline.sources.earthengine import MAX_SLOTS
from pipeline.sources.pace import PaceSettings
from pipeline.sources.protocol import PixelRequest
from pipeline.turns import AT_ONCE

SURVIVE: Final = 103_793 / 251_079
"""Share of the sampled locations that have four labelled seasons (SSL4EO-S12@NoL: 103,793 of 251,079)."""

ANSWER_HEADER_BYTES: Final = 1_408
"""What the NPY format puts before the pixels of one location's 64 bands, measured."""

SEASON_BYTES: Final = 5_000
"""Answer to a scene query for one season of one location, measured on the emulator."""

STAGING_RATIO: Final = 0.65
"""Staged bytes to raw bytes, measured on the emulator's pixels; real ones may differ by a third."""

STORE_RATIO: Final = {"lz4": 0.82, "zstd": 0.60}
"""Store bytes to bytes of its uint8 arrays, measured on the emulator's pixels; by codec."""

TASKS_A_WORKER: Final = 4
"""Tasks that run at once in a local worker process."""

COPIES: Final = 3.0
"""Memory of an answer that is being worked on, in its sizes: as it came, as a patch, and packed for the disk."""

WORKER_BYTES: Final = 400e6
"""Memory of a worker that does nothing: the libraries."""

TIERS: Final = {"community": 150, "contributor": 1_000, "partner": 100_000}
"""EECU-hours a month of a noncommercial project (guide, 'Noncommercial tiers')."""


@dataclass(frozen=True)
class Assumptions:
    """What nobody can know beforehand."""

    survive: float = SURVIVE
    """Share of the locations that pass the filter by metadata, 0..1."""
    request_s: float = 2.0
    """Seconds that one request takes; a guess until measured."""
    mbit_per_s: float = 1000.0
    """Network to this machine, million bits a second."""


@dataclass(frozen=True)
class Plan:
    """The estimate; every figure is for the whole build."""

    locations: int
    parts: int
    survivors: int
    scene_queries: int
    """At most: the last ones are only needed for parts with a season that was looked for in vain."""
    requests_a_location: int
    """For pixels; more than one where the limits do not hold them."""
    pixel_requests: int
    bytes_a_location: int
    """Raw pixels of a location, uncompressed as they come."""
    bytes_down: int
    hours: float
    """At the quota: by requests under way, by requests a second, or by the network, whichever is slowest."""
    bound_by: str
    eecu_hours: float
    months: int | None
    """Calendar months that the recipe's budget spreads the build over; None without a budget."""
    staging_bytes: int
    """At their most: nothing is freed before the last pixels have come."""
    store_bytes: int
    shards: int
    files: int
    worker_bytes: int
    """Memory of one local worker, at its most."""


def estimate(recipe: Recipe, assumed: Assumptions) -> Plan:
    """What `recipe` would take; reads a list of locations where it names one, and asks nothing of any service."""
    locations = count_locations(recipe.sample)
    parts = math.ceil(locations / recipe.part_locations)
    survivors = round(locations * assumed.survive)
    pieces = plan_requests(*_a_location(), recipe.export)
    a_location = sum(piece.uncompressed_bytes for piece in pieces)
    queries = _scene_queries(recipe, locations, parts)
    requests = survivors * len(pieces)
    down = survivors * (a_location + ANSWER_HEADER_BYTES * len(pieces)) + locations * N_SEASONS * SEASON_BYTES
    hours, bound_by = time_at_quota(recipe.source.pace, queries + requests, down, assumed)
    spent_s = queries * recipe.budget.cost_s(SCENE_QUERY_STAGE) + requests * recipe.budget.cost_s(PIXEL_REQUEST_STAGE)
    limit = recipe.budget.eecu_hours
    arrays = 4 if recipe.export.dw_probabilities else 3
    shards = n_shards(survivors, recipe.store)
    return Plan(
        locations=locations,
        parts=parts,
        survivors=survivors,
        scene_queries=queries,
        requests_a_location=len(pieces),
        pixel_requests=requests,
        bytes_a_location=a_location,
        bytes_down=down,
        hours=hours,
        bound_by=bound_by,
        eecu_hours=spent_s / S_PER_HOUR,
        months=None if limit is None else max(math.ceil(spent_s / S_PER_HOUR / limit), 1),
        staging_bytes=round(survivors * a_location * STAGING_RATIO),
        store_bytes=round(survivors * _stored_values(pieces) * STORE_RATIO[recipe.store.codec]),
        shards=shards,
        files=shards * (arrays + 1) + survivors * arrays + (5 + arrays + 1) * parts,
        worker_bytes=_worker_bytes(recipe, a_location),
    )


def count_locations(settings: SampleSettings) -> int:
    """Locations that a recipe's sample gives; drawn only where their number is not written there."""
    if settings.count is None:
        return len(sample(settings))
    if settings.within is not None:
        read_region(settings.within)  # a file that is missing or wrong is told now, not by the build
    return settings.count


def _scene_queries(recipe: Recipe, locations: int, parts: int) -> int:
    """One question a part, in requests of MAX_SLOTS seasons, and as many again for every year to fall back to."""
    last = locations - (parts - 1) * recipe.part_locations
    first = (parts - 1) * math.ceil(recipe.part_locations * N_SEASONS / MAX_SLOTS)
    first += math.ceil(last * N_SEASONS / MAX_SLOTS)
    return first * (1 + recipe.seasons.fallback_years)


def time_at_quota(pace: PaceSettings, requests: int, down: int, assumed: Assumptions) -> tuple[float, str]:
    """Hours that so many requests and bytes take, and what bounds them."""
    seconds = {
        f"{pace.concurrent} requests under way": requests * assumed.request_s / pace.concurrent,
        f"{pace.per_second} requests a second": requests / pace.per_second,
        f"a network of {assumed.mbit_per_s:g} Mbit/s": down * 8 / (assumed.mbit_per_s * 1e6),
    }
    slowest = max(seconds, key=lambda name: seconds[name])
    return seconds[slowest] / 3600, slowest


def _stored_values(pieces: Sequence[PixelRequest]) -> int:
    """Values of a location in the store, each of which is one byte there."""
    return sum(piece.bands * piece.grid.width_px * piece.grid.height_px for piece in pieces)


def _worker_bytes(recipe: Recipe, a_location: int) -> int:
    # Every location under way may hold one answer, more of them than there are slots while they wait for their turn.
    under_way = TASKS_A_WORKER * recipe.export.concurrency
    exporting = (under_way + AT_ONCE * (COPIES - 1)) * a_location
    packing = recipe.store.shard_rows * a_location * 1.5
    return round(WORKER_BYTES + max(exporting, packing))


def _a_location() -> tuple[Location, list[SeasonMatch]]:
    """Any location: all patches are of one size, so that all ask for the same number of bytes."""
    place = Location("any", 9.0, 45.0, patch_grid(9.0, 45.0))
    return place, [_complete(place.location_id, season) for season in range(N_SEASONS)]


def _complete(location_id: str, season: int) -> SeasonMatch:
    scene = f"scene/{season}"
    return SeasonMatch(location_id, season, scene, None, None, None, None, scene, None, None, None, scene)
