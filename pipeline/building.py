"""What every build does with its stages: parts on their ways, damage mended, and a word where something is missing."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

from pipeline.budget import BudgetSettings
from pipeline.cluster.crew import Chain, Crew
from pipeline.files import remove
from pipeline.ledger import Ledger, Outcome
from pipeline.schema.errors import DamagedError, FailureKind, NoldoError
from pipeline.sources.pace import BudgetSpentError
from pipeline.tasks.plainly import InRun, run_plainly

Result = TypeVar("Result")

AJob = TypeVar("AJob", bound=InRun)

MENDINGS: Final = 5
"""Damaged files that one build makes again; more of them say that the disk is not to be trusted."""


def mended(build: Callable[[], Result], ledger: Ledger, note: Callable[[str], None]) -> Result:
    """The result of `build`; a committed file that turns out to be damaged is removed, and the build run again.

    Raises DamagedError where that does not help.
    """
    for _ in range(MENDINGS):
        try:
            return build()
        except DamagedError as damage:
            note(f"{damage.path} is damaged and is made again")
            ledger.mended(damage)
            remove(damage.path)
    return build()


def run_parts(
    job: AJob,
    crew: Crew,
    ledger: Ledger,
    parts: Sequence[Outcome],
    tasks: Mapping[str, Callable[[AJob, Outcome], Outcome]],
) -> list[Outcome]:
    """Run every part through its stages, each on its own way. Returns the last stage's outcomes, by part.

    `tasks`, by stage and in order, turn one part into one part, each part by itself.
    """
    stages = list(tasks)
    for stage in stages:
        ledger.begin(stage, sum(part.locations for part in parts))
    steps = {stage: partial(run_plainly, task, job) for stage, task in tasks.items()}
    chains = (Chain(f"{part.part:05d}", steps, part) for part in parts) if stages else ()
    last: list[Outcome] = []
    for outcome in crew.run(chains, ledger.record_attempt):
        ledger.record(outcome)
        if outcome.stage == stages[-1]:
            last.append(outcome)
    return sorted(last, key=lambda outcome: outcome.part)


def require_all_had(
    ledger: Ledger,
    budget: BudgetSettings,
    allowed: float,
    *,
    spent: bool,
    whole: bool = True,
    what: str = "locations",
    share_key: str = "export.max_failed_share",
) -> None:
    """Raise NoldoError where some of `what` is still to be had; only what is empty may be left out.

    Of lasting failures as many as `allowed` may be left out, where every part is there: one that is not `whole` has
    no table, and is asked for again whatever refused it. Raises BudgetSpentError where the month's budget is `spent`.
    """
    if spent:
        raise BudgetSpentError(budget.spent_message())
    failures = ledger.failures
    if not failures:
        return
    lasting = whole and all(failure.kind is FailureKind.PERMANENT for failure in failures)
    places = len({failure.location_id for failure in failures})
    if lasting and places <= allowed:
        return
    advice = (
        f"asking again will hardly help: --retry permanent asks all the same, {share_key} lets a share of them go"
        if lasting
        else "run the same command again to go on with them"
    )
    raise NoldoError(
        f"{places} {what} could not be had ({advice}).\n"
        f"The first, {failures[0].location_id} in stage {failures[0].stage}, {failures[0].kind}: {failures[0].message}"
    )
