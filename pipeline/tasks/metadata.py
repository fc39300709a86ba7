"""Scenes for a part's locations, and the four-season filter by metadata, as tasks."""

from pipeline.ledger import Outcome
from pipeline.match import match_part
from pipeline.parts import part_inputs, read_part, write_part
from pipeline.recipe import canonical_digest
from pipeline.schema.errors import SourceError
from pipeline.schema.records import Attempt, Location, SeasonMatch, Verdict
from pipeline.seasons import filter_seasons
from pipeline.sources.earthengine import EarthEngineSource
from pipeline.tasks.job import Job, all_failed, counted_in


def match_task(job: Job, before: Outcome) -> Outcome:
    """Find the scenes of a part's locations, all in one request."""
    settings = {"seasons": job.recipe.seasons.model_dump(mode="json"), "source": job.recipe.source.identity()}
    inputs = canonical_digest(["match", settings, before.inputs])
    path = job.run.table("match", before.part)
    if part_inputs(path) == inputs:
        return Outcome("match", before.part, inputs, before.locations, made=False)
    locations = read_part(job.run.table("sample", before.part), Location)
    attempts: list[Attempt] = []
    try:
        source = EarthEngineSource(job.spec, stage="match", link=counted_in(attempts, job.link.bind()))
        matches = match_part(locations, job.recipe.seasons, source)
    except SourceError as error:
        failed = all_failed("match", [place.location_id for place in locations], error, attempts)
        return Outcome("match", before.part, inputs, 0, True, tuple(attempts), failed)
    write_part(path, SeasonMatch, matches, inputs)
    return Outcome("match", before.part, inputs, len(locations), True, tuple(attempts))


def seasons_task(job: Job, before: Outcome) -> Outcome:
    """Keep the locations whose four seasons are complete, by metadata."""
    if before.failures:
        return Outcome("seasons", before.part, "", 0, made=False)
    inputs = canonical_digest(["seasons", before.inputs])
    path = job.run.table("seasons", before.part)
    if part_inputs(path) == inputs:
        return Outcome("seasons", before.part, inputs, before.locations, made=False)
    locations = read_part(job.run.table("sample", before.part), Location)
    verdicts = filter_seasons(locations, read_part(job.run.table("match", before.part), SeasonMatch))
    write_part(path, Verdict, verdicts, inputs)
    return Outcome("seasons", before.part, inputs, len(locations), made=True)
