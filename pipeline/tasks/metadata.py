"""Scenes for a part's locations, and the four-season filter by metadata, as tasks."""

from collections.abc import Sequence

from pipeline.funnel import judged_step
from pipeline.ledger import Outcome
from pipeline.match import match_part
from pipeline.parts import part_inputs, read_part, write_part
from pipeline.recipe import canonical_digest
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.records import N_SEASONS, Attempt, Failure, Location, SeasonMatch, Verdict
from pipeline.seasons import filter_seasons
from pipeline.sources.earthengine import EarthEngineSource
from pipeline.tasks.job import Job, all_failed, counted_in


def match_task(job: Job, before: Outcome) -> Outcome:
    """Find the scenes of a part's locations, all in one request, and once more for seasons without any.

    A location whose scenes cannot be told is written down as that, and the others go on.
    """
    settings = {"seasons": job.recipe.seasons.model_dump(mode="json"), "source": job.recipe.source.identity()}
    inputs = canonical_digest(["match", settings, before.inputs])
    path = job.run.table("match", before.part)
    matches = read_part(path, SeasonMatch) if part_inputs(path) == inputs else []
    open_again = {match.location_id for match in matches if match.failure_kind in job.retry}
    if matches and not open_again:
        return _matched(before, inputs, matches, made=False)
    locations = read_part(job.run.table("sample", before.part), Location)
    asked = [place for place in locations if not matches or place.location_id in open_again]
    attempts: list[Attempt] = []
    source = None
    try:
        source = EarthEngineSource(job.spec, stage="match", link=counted_in(attempts, job.link.bind()))
        answered = match_part(asked, job.recipe.seasons, source)
    except SourceError as error:
        if matches and source is not None and error.kind is FailureKind.PERMANENT:
            return _matched(before, inputs, matches, made=False)  # refused once more: what is committed stands
        failed = all_failed("match", [place.location_id for place in asked], error, attempts)
        return Outcome("match", before.part, "", 0, made=True, failures=failed)
    known = {(match.location_id, match.season): match for match in (*matches, *answered)}
    matches = [known[place.location_id, season] for place in locations for season in range(N_SEASONS)]
    write_part(path, SeasonMatch, matches, inputs)
    return _matched(before, inputs, matches, made=True)


def seasons_task(job: Job, before: Outcome) -> Outcome:
    """Keep the locations whose four seasons are complete, by metadata."""
    if not before.inputs:
        return Outcome("seasons", before.part, "", 0, made=False)
    inputs = canonical_digest(["seasons", before.inputs])
    path = job.run.table("seasons", before.part)
    if part_inputs(path) == inputs:
        return Outcome("seasons", before.part, inputs, before.locations, made=False)
    locations = read_part(job.run.table("sample", before.part), Location)
    verdicts = filter_seasons(locations, read_part(job.run.table("match", before.part), SeasonMatch))
    write_part(path, Verdict, verdicts, inputs)
    return Outcome("seasons", before.part, inputs, len(locations), made=True, step=judged_step("seasons", verdicts))


def _matched(before: Outcome, inputs: str, matches: Sequence[SeasonMatch], *, made: bool) -> Outcome:
    """The outcome of a part that is written; what follows is made from the locations that it could tell of."""
    failed = {m.location_id: m for m in matches if m.failure_kind is not None}
    failures = tuple(
        Failure(i, "match", 1, m.failure_kind, m.failure_message) for i, m in failed.items() if m.failure_kind
    )
    # The scenes themselves: a table that was lost and matched anew may name others, and pixels must follow it.
    scenes = [(m.location_id, m.season, m.s2_id, m.s1_id, m.dw_id) for m in matches]
    told = canonical_digest([inputs, scenes, "without", sorted(failed)])
    return Outcome("match", before.part, told, before.locations, made, failures=failures)
