"""An import as a command: the directory claimed, progress shown, workers started, a summary at the end."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline.cli.build_options import BuildOptions
from pipeline.cli.watched import watched_run
from pipeline.progress import Display
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath

if TYPE_CHECKING:
    from pipeline.import_flow import ImportJob
    from pipeline.summary import BuildSummary

FREE_KEYS = ("source.images", "source.labels", "store.staging", "quality", "store", "name")
"""May change between runs: paths, because names and sizes count; and what the staged parts do not depend on."""


def run_import(
    raw: Mapping[str, Any], out: AnyPath, options: BuildOptions
) -> tuple["BuildSummary", list[dict[str, Any]]]:
    """Import what `raw`, a recipe as plain data, names; the summary, and everything that was left out."""
    from pipeline.files import is_local, remove
    from pipeline.import_flow import STAGES, ImportJob, first_part_inputs, problems_of
    from pipeline.import_recipe import ImportRecipe, fingerprint
    from pipeline.importers.archives import refuse_lmdb
    from pipeline.report import write_report
    from pipeline.run_directory import Claim, claimed
    from pipeline.schema.strict import validated
    from pipeline.summary import summarise

    started = time.monotonic()
    recipe = validated(ImportRecipe, raw, "import")
    until = options.last_of(STAGES)
    for path in recipe.source.paths():
        refuse_lmdb(path)
        if not path.exists():
            raise UsageError(f"{path} is not there; name the published files as they lie on this machine")
    root = out.resolve() if is_local(out) else out
    files = fingerprint(recipe.source.paths(), root)
    job = ImportJob(RunLayout(root), recipe, files)
    claim = Claim(recipe.canonical(), "sample", first_part_inputs(job), "source", FREE_KEYS)
    with (
        Display() as display,
        claimed(root, claim, remake=options.remake, tell=display.note) as run,
        watched_run(run, display, recipe.name, recipe.digest(files), until) as ledger,
    ):
        if options.remake:
            remove(run.table("import", 0))  # the same files by name and size may be whole by now
        steps = _import(job, options, until, ledger, display)
        worked = ledger.parts_made > 0
        if worked or not run.report.exists():
            write_report(run, title=recipe.name)
        took = time.monotonic() - started
        summary = summarise(out, recipe.name, took, ledger, steps, None, None, worked)
        return summary, [asdict(problem) for problem in problems_of(run)]


def _import(job: "ImportJob", options: BuildOptions, until: str, ledger: Any, display: Display) -> Any:
    from pipeline.cluster.client import dask_client
    from pipeline.cluster.crew import crew_of
    from pipeline.import_flow import STAGES, finished_funnel, import_files
    from pipeline.sources.pace import PaceSettings

    if until == STAGES[-1] and (finished := finished_funnel(job)) is not None:
        return finished
    with (
        dask_client(options.workers, None) as client,
        crew_of(client, str(job.run.root), PaceSettings(), {}, None) as crew,
    ):
        return import_files(job, crew, ledger, until, display.note)
