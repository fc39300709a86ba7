"""Scenes for a part's expert tiles, as a task."""

from collections.abc import Sequence

from pipeline.ledger import Outcome
from pipeline.pairing import pair_tiles
from pipeline.parts import part_inputs, read_part, write_part
from pipeline.recipe import canonical_digest
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.records import Attempt, Failure
from pipeline.schema.tiles import ExpertTile, TilePair
from pipeline.sources.earthengine import EarthEngineSource
from pipeline.tasks.job import all_failed, counted_in
from pipeline.tasks.tile_job import TileJob
from pipeline.tile_state import pair_step


def pair_task(job: TileJob, before: Outcome) -> Outcome:
    """Find the scenes of a part's tiles, all in one request.

    A tile that cannot be paired is written down with the reason, one whose scenes cannot be told as that, and the
    others go on.
    """
    settings = {"pair": job.recipe.pair.model_dump(mode="json"), "source": job.recipe.source.identity()}
    inputs = canonical_digest(["pair", settings, before.inputs])
    path = job.run.table("pair", before.part)
    pairs = read_part(path, TilePair) if part_inputs(path) == inputs else []
    open_again = {pair.tile_id for pair in pairs if pair.failure_kind in job.retry}
    if pairs and not open_again:
        return _paired(before, inputs, pairs, made=False)
    tiles = read_part(job.run.table("tiles", before.part), ExpertTile)
    asked = [tile for tile in tiles if not pairs or tile.tile_id in open_again]
    attempts: list[Attempt] = []
    source = None
    try:
        source = EarthEngineSource(job.spec, stage="pair", link=counted_in(attempts, job.link.bind()))
        answered = pair_tiles(asked, job.recipe.pair, source)
    except SourceError as error:
        if pairs and source is not None and error.kind is FailureKind.PERMANENT:
            return _paired(before, inputs, pairs, made=False)  # refused once more: what is committed stands
        failed = all_failed("pair", [tile.tile_id for tile in asked], error, attempts)
        return Outcome("pair", before.part, "", 0, made=True, failures=failed)
    known = {pair.tile_id: pair for pair in (*pairs, *answered)}
    pairs = [known[tile.tile_id] for tile in tiles]
    write_part(path, TilePair, pairs, inputs)
    return _paired(before, inputs, pairs, made=True)


def _paired(before: Outcome, inputs: str, pairs: Sequence[TilePair], *, made: bool) -> Outcome:
    """The outcome of a part that is written."""
    failures = tuple(
        Failure(pair.tile_id, "pair", 1, pair.failure_kind, pair.failure_message)
        for pair in pairs
        if pair.failure_kind is not None
    )
    # The scenes themselves: a table that was lost and paired anew may name others, and pixels must follow it.
    scenes = [(pair.tile_id, pair.s2_id, pair.s1_id, pair.reason) for pair in pairs]
    told = canonical_digest([inputs, scenes, "without", sorted(failure.location_id for failure in failures)])
    step = pair_step(pairs) if made else None
    return Outcome("pair", before.part, told, before.locations, made, failures=failures, step=step)
