"""What every task of a build needs to know, and how a whole part fails."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pipeline.recipe import Recipe
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import Attempt, Failure
from pipeline.sources.earthengine import EarthEngineSpec
from pipeline.sources.pace import BoundLink, Link, OwnLink


@dataclass(frozen=True)
class Job:
    """What every task of a build needs to know."""

    run: RunLayout
    recipe: Recipe
    spec: EarthEngineSpec
    list_digest: str | None
    """SHA-256 of the list of locations, where the recipe names one."""
    link: Link = field(default_factory=OwnLink)
    """To the pace that the whole build keeps, and to its ledger; bound in the task's own thread."""
    retry: frozenset[FailureKind] = frozenset()
    """Kinds of lasting failures that are to be asked for again."""


def counted_in(attempts: list[Attempt], link: BoundLink) -> BoundLink:
    """The same link, which also keeps what it reports in `attempts`."""

    def report(attempt: Attempt) -> None:
        attempts.append(attempt)
        link.report(attempt)

    return replace(link, report=report)


def all_failed(
    stage: str, location_ids: Iterable[str], error: SourceError, attempts: Iterable[Attempt]
) -> tuple[Failure, ...]:
    """Every location of a part as a failure of one error."""
    made = max(sum(a.kind != "ok" for a in attempts), 1)
    return tuple(Failure(location_id, stage, made, error.kind, str(error)) for location_id in location_ids)
