"""The ledger of a build and its live page, around all that the build does."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.progress import Display
from pipeline.schema.layout import RunLayout

if TYPE_CHECKING:
    from pipeline.budget import BudgetSettings
    from pipeline.ledger import Ledger, StageProgress
    from pipeline.recipe import Recipe


@contextmanager
def watched(recipe: "Recipe", run: RunLayout, until: str, display: Display) -> "Iterator[Ledger]":
    """A ledger that shows progress, and that knows when this run began, of what recipe, and why it ended."""
    from pipeline.recipe import canonical_digest
    from pipeline.run_state import list_digest

    digest = canonical_digest([recipe.digest(list_digest(recipe)), recipe.part_locations])
    with watched_run(run, display, recipe.name, digest, until, recipe.budget) as ledger:
        yield ledger


@contextmanager
def watched_run(
    run: RunLayout,
    display: Display,
    name: str,
    digest: str,
    until: str,
    budget: "BudgetSettings | None" = None,
    unit: str = "locations",
) -> "Iterator[Ledger]":
    """The same for a recipe of any kind; `digest` is that of all that decides its parts, `unit` what they count."""
    from pipeline.ledger import Ledger
    from pipeline.live.writer import live_page

    def advance(now: "StageProgress") -> None:
        display.update(now.stage, now.done, now.total, reused=now.reused, unit=unit)

    ledger = Ledger(run.events, advance, budget)
    with live_page(run, display.note), ledger.run(recipe=name, digest=digest, until=until):
        yield ledger
