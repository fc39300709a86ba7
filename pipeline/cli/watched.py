"""The ledger of a build, around all that the build does."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.progress import Display
from pipeline.schema.layout import RunLayout

if TYPE_CHECKING:
    from pipeline.ledger import Ledger
    from pipeline.recipe import Recipe


@contextmanager
def watched(recipe: "Recipe", run: RunLayout, until: str, display: Display) -> "Iterator[Ledger]":
    """A ledger that shows progress, and that knows when this run began, of what recipe, and why it ended."""
    from pipeline.ledger import Ledger
    from pipeline.recipe import canonical_digest
    from pipeline.run_state import list_digest

    ledger = Ledger(run.events, lambda p: display.update(p.stage, p.done, p.total, reused=p.reused), recipe.budget)
    digest = canonical_digest([recipe.digest(list_digest(recipe)), recipe.part_locations])
    with ledger.run(recipe=recipe.name, digest=digest, until=until):
        yield ledger
