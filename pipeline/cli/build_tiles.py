"""`noldo build` of a recipe of kind 'dw': the downstream set from expert tiles."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.cli.build_options import BuildOptions
from pipeline.cli.source_spec import source_spec
from pipeline.cli.watched import watched_run
from pipeline.progress import Display
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath

if TYPE_CHECKING:
    from pipeline.ledger import Ledger
    from pipeline.summary import BuildSummary
    from pipeline.tile_recipe import DwRecipe
    from pipeline.tile_state import IndexedTiles


def build_dw(raw: Mapping[str, Any], where: str, out: AnyPath, options: BuildOptions) -> "BuildSummary":
    """Index the expert tiles, then run the stages and write the report, under one progress display."""
    from pipeline import tile_flow
    from pipeline.files import is_local
    from pipeline.recipe import canonical_digest
    from pipeline.report import write_report
    from pipeline.run_directory import claimed
    from pipeline.schema.strict import validated
    from pipeline.summary import summarise_tiles
    from pipeline.tile_recipe import DwRecipe
    from pipeline.tile_state import index_tiles

    started = time.monotonic()
    recipe = validated(DwRecipe, raw, where)
    until = options.last_of(tile_flow.STAGES)
    with Display() as display:
        display.note(f"reading the expert tiles in {', '.join(str(folder) for folder, _ in recipe.experts.folders())}")
        indexed = index_tiles(recipe.experts)
        digest = canonical_digest([recipe.digest(indexed.digest), recipe.part_tiles])
        root = out.resolve() if is_local(out) else out
        with (
            claimed(root, tile_flow.claim_for(recipe, indexed), remake=options.remake, tell=display.note) as run,
            watched_run(run, display, recipe.name, digest, until, recipe.budget, unit="tiles") as ledger,
        ):
            steps = _build_data(recipe, indexed, run, options, until, ledger, display)
            worked = ledger.parts_made > 0
            if worked or not run.report.exists():
                write_report(run, title=recipe.name)
            seconds = time.monotonic() - started
            return summarise_tiles(out, list(recipe.stores.values()), seconds, ledger, steps, worked)


def _build_data(
    recipe: "DwRecipe",
    indexed: "IndexedTiles",
    run: RunLayout,
    options: BuildOptions,
    until: str,
    ledger: "Ledger",
    display: Display,
) -> Any:
    """The stages of pipeline.tile_flow, with an emulator and a cluster around them where they are needed."""
    from pipeline import tile_flow
    from pipeline.cluster.client import dask_client
    from pipeline.cluster.crew import crew_of
    from pipeline.event_log import read_events
    from pipeline.split_stores import finished_funnel
    from pipeline.tasks.tile_job import TileJob

    finished = finished_funnel(run, recipe, indexed) if until == tile_flow.STAGES[-1] and not options.retry else None
    if finished is not None:
        return finished
    left = recipe.budget.left_eecu_s(read_events(run.events))
    costs = {stage: recipe.budget.cost_s(stage) for stage in tile_flow.STAGES} if left is not None else {}
    with (
        source_spec(recipe.source, run) as spec,
        dask_client(options.workers, options.scheduler) as client,
        crew_of(client, str(run.root), recipe.source.pace, costs, left) as crew,
    ):
        display.note(f"Dask dashboard: {client.dashboard_link}")
        job = TileJob(run, recipe.located(), spec, crew.link, frozenset(options.retry))
        return tile_flow.build_tiles(job, indexed, crew, ledger, until, display.note)
