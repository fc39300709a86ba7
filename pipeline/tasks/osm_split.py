"""The split of what passed the agreement check, and how near all sets come to one another, as a task."""

from collections.abc import Sequence

from pipeline.built_tiles import BuiltTile
from pipeline.leakage import NEAR_PRETRAINING, Place, leakage, near_to, nearness
from pipeline.ledger import Outcome
from pipeline.osm_state import split_step
from pipeline.parts import part_inputs, read_part, write_part
from pipeline.recipe import canonical_digest
from pipeline.schema.osm_records import Nearness, SplitChoice
from pipeline.schema.tiles import SPLITS, TileAgreement
from pipeline.split import Candidate, split_tiles
from pipeline.tasks.osm_job import OsmJob


def split_task(job: OsmJob, judged: Sequence[Outcome]) -> Outcome:
    """Leave out tiles near the pretraining set, split the others, and look for leaks over all sets."""
    recipe = job.recipe
    places = None if job.pretraining is None else [(p.location_id, p.centre) for p in job.pretraining]
    settings = [recipe.split.model_dump(mode="json"), recipe.leakage.distance_km, recipe.leakage.near]
    inputs = canonical_digest(["split", settings, places, [outcome.inputs for outcome in judged]])
    path, leaks = job.run.table("split", 0), job.run.table("leakage", 0)
    made = not part_inputs(path) == part_inputs(leaks) == inputs
    step = None
    if made:
        choices = _choices(job, len(judged))
        write_part(leaks, Nearness, _leaks(job, choices), inputs)
        write_part(path, SplitChoice, choices, inputs)
        step = split_step(choices)
    return Outcome("split", 0, inputs, len(job.tiles.tiles), made, step=step)


def _agreements(job: OsmJob, parts: int) -> list[TileAgreement]:
    return [tile for part in range(parts) for tile in read_part(job.run.table("agreement", part), TileAgreement)]


def _choices(job: OsmJob, parts: int) -> list[SplitChoice]:
    kept = {tile.tile_id for tile in _agreements(job, parts) if tile.kept}
    tiles = [tile for tile in job.tiles.tiles if tile.tile_id in kept]
    near = near_to(_places(tiles), job.pretraining or (), job.recipe.leakage.distance_km * 1000)
    if job.recipe.leakage.near == "allow":
        near = {}
    candidates = [Candidate(t.tile_id, t.split, t.centre) for t in tiles if t.tile_id not in near]
    split = {choice.tile_id: choice for choice in split_tiles(candidates, job.recipe.split)}
    for tile in tiles:
        if tile.tile_id in near:
            other, metres = near[tile.tile_id]
            detail = f"{other} is {metres:.0f} m away"
            split[tile.tile_id] = SplitChoice(tile.tile_id, tile.split, "", NEAR_PRETRAINING, detail)
    return [split[tile.tile_id] for tile in tiles]


def _leaks(job: OsmJob, choices: Sequence[SplitChoice]) -> list[Nearness]:
    """Every two of OSM's and DW's splits within the separation, and each of them to the pretraining set."""
    chosen = {choice.tile_id: choice.split for choice in choices}
    name, recipe = job.recipe.name, job.recipe
    sets = {f"{name}_{s}": [t for t in job.tiles.tiles if chosen.get(t.tile_id) == s] for s in SPLITS}
    sets |= {f"dw_{s}": [t for t in job.tiles.tiles if t.split == s] for s in SPLITS}
    places = {key: _places(tiles) for key, tiles in sets.items()}
    found = list(leakage(places, recipe.split.separation_km * 1000))
    assert found[0].same == found[0].near == 0, "the split puts one place, or neighbours, on both sides"
    if job.pretraining is not None:
        reach_m = recipe.leakage.distance_km * 1000
        found += [nearness(key, "pretraining", tiles, job.pretraining, reach_m) for key, tiles in places.items()]
    return found


def _places(tiles: Sequence[BuiltTile]) -> list[Place]:
    return [Place(tile.tile_id, tile.centre) for tile in tiles]
