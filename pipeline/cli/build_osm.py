"""`noldo build` of a recipe of kind 'osm': OpenStreetMap land use on the tiles of a finished build."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from pipeline.cli.build_options import BuildOptions
from pipeline.cli.watched import watched_run
from pipeline.progress import Display
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import Attempt

if TYPE_CHECKING:
    from pipeline.osm import OsmMaps
    from pipeline.osm_rasters import OsmRasters
    from pipeline.osm_recipe import OsmRecipe
    from pipeline.summary import BuildSummary
    from pipeline.tasks.osm_job import OsmJob
    from pipeline.tasks.osm_labels import Ask


def build_osm_set(raw: Mapping[str, Any], where: str, out: AnyPath, options: BuildOptions) -> "BuildSummary":
    """Run the stages and write the report, under one progress display."""
    from pipeline.files import is_local
    from pipeline.osm_flow import STAGES, build_osm
    from pipeline.osm_recipe import FREE_KEYS, OsmRecipe
    from pipeline.report import write_report
    from pipeline.run_directory import Claim, claimed
    from pipeline.schema.strict import validated
    from pipeline.summary import summarise_tiles
    from pipeline.tasks.osm_labels import labels_inputs

    started = time.monotonic()
    until = options.last_of(STAGES)
    if options.workers is not None or options.scheduler is not None:
        raise UsageError("a recipe of kind osm is built by one process; leave --workers and --scheduler out")
    recipe = validated(OsmRecipe, raw, where)
    job = osm_job(recipe, RunLayout(out.resolve() if is_local(out) else out), options)
    claim = Claim(recipe.canonical(), "labels", labels_inputs(job, 0), "tiles' or 'labels", FREE_KEYS)
    with (
        Display() as display,
        claimed(job.run.root, claim, remake=options.remake, tell=display.note) as run,
        watched_run(run, display, recipe.name, job.digest(), until, unit="tiles") as ledger,
        land_use(recipe, run, ledger.record_attempt) as ask,
    ):
        steps = build_osm(job, ask, ledger, until, display.note)
        worked = ledger.parts_made > 0
        if worked or not run.report.exists():
            write_report(run, title=recipe.name)
        seconds = time.monotonic() - started
        return summarise_tiles(out, tuple(recipe.stores.values()), seconds, ledger, steps, worked)


def osm_job(recipe: "OsmRecipe", run: RunLayout, options: BuildOptions) -> "OsmJob":
    """What the tasks need to know; UsageError where what the recipe names is not there."""
    from pipeline.built_tiles import read_built_tiles, read_places
    from pipeline.files import open_path
    from pipeline.inspection import read_inspection
    from pipeline.osm_rasters import OsmRasterSettings
    from pipeline.osm_recipe import rasters_digest
    from pipeline.recipe import canonical_digest
    from pipeline.tasks.osm_job import OsmJob

    tiles = read_built_tiles(open_path(recipe.tiles))
    rasters = rasters_digest(recipe.labels) if isinstance(recipe.labels, OsmRasterSettings) else None
    pretraining = recipe.leakage.pretraining
    return OsmJob(
        run=run,
        recipe=recipe,
        tiles=tiles,
        labels_from=canonical_digest(recipe.labels_identity(rasters)),
        inspection=read_inspection(recipe.inspection, [tile.tile_id for tile in tiles.tiles]),
        pretraining=None if pretraining is None else tuple(read_places(open_path(pretraining))),
        retry=frozenset(options.retry),
    )


@contextmanager
def land_use(recipe: "OsmRecipe", run: RunLayout, report: Callable[[Attempt], None]) -> "Iterator[Ask]":
    """Where land use comes from, opened when it is first asked: a finished build starts no emulator."""
    from pipeline.osm import osm_labels

    with ExitStack() as stack:
        opened: list[OsmMaps | OsmRasters] = []

        def ask(grid: Any, tile_id: str) -> Any:
            if not opened:
                opened.append(_opened(recipe, run, report, stack))
            return osm_labels(grid, opened[0], tile_id)

        yield ask


def _opened(
    recipe: "OsmRecipe", run: RunLayout, report: Callable[[Attempt], None], stack: ExitStack
) -> "OsmMaps | OsmRasters":
    from pipeline.cli.own_emulator import own_emulator
    from pipeline.cli.source_spec import same_planet
    from pipeline.files import is_local, on_disk
    from pipeline.osm import OsmMaps
    from pipeline.osm_rasters import OsmRasters, OsmRasterSettings
    from pipeline.sources.wms import MapService

    if isinstance(recipe.labels, OsmRasterSettings):
        return OsmRasters(recipe.labels)
    url, identity = None, None
    if recipe.source is not None:
        if recipe.source.url is not None:
            same_planet(recipe.source, None)
        log = on_disk(run.root / "emulator.log", "a log") if is_local(run.root) else None
        served = recipe.source.url or stack.enter_context(own_emulator(recipe.source, None, log))
        url, identity = f"{served.rstrip('/')}/wms", f"emulator {sorted(recipe.source.identity().items())}"
    cache = recipe.labels.cache or run.root / "maps"
    service = MapService(recipe.labels, url=url, identity=identity, cache=cache, report=report)
    stack.callback(service.close)
    return OsmMaps(service, recipe.labels)
