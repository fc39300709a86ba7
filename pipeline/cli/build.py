"""`noldo build`: from a recipe to a data set, a pretrained network and a report."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.build_options import BuildOptions
from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.cli.output import JSON_HELP, SET_HELP, show
from pipeline.cli.source_spec import planet_spec, source_spec
from pipeline.cli.watched import watched
from pipeline.progress import Display
from pipeline.schema.errors import FailureKind, UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath

if TYPE_CHECKING:
    from pipeline.recipe import Recipe
    from pipeline.summary import BuildSummary

STAGES = ("sample", "match", "seasons", "export", "quality", "pack", "manifest", "pretrain")


DOWNSTREAM_STAGES = ("tiles", "pair", "fetch", "labels", "agreement", "split")
"""Of recipes that name a kind (see pipeline/cli/downstream.py)."""


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=RUN_DIRECTORY, help="Run directory, made or gone on with; s3:// and gs:// too."
)
@click.option("--until", type=click.Choice([*STAGES, *DOWNSTREAM_STAGES]), help="Stop after this stage.")
@click.option("--workers", type=click.IntRange(min=1), help="Local worker processes; by default one a core.")
@click.option("--scheduler", help="Address of a running Dask scheduler, tcp://HOST:PORT, instead of local workers.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help=SET_HELP)
@click.option("--remake", is_flag=True, help="Let a changed recipe make its stages again in an old run directory.")
@click.option("--retry", type=click.Choice(["permanent"]), help="Ask again for locations that failed in this way.")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def build(
    recipe: Path,
    out: AnyPath,
    until: str | None,
    workers: int | None,
    scheduler: str | None,
    settings: tuple[str, ...],
    remake: bool,
    retry: str | None,
    as_json: bool,
) -> None:
    """Build a data set from RECIPE, and pretrain on it where the recipe says so.

    Done work is not done again: the same command goes on where the last run stopped. While it runs, live.html in the
    run directory shows in a browser how it stands.

    Example:  noldo build recipes/demo.yaml --out runs/demo --workers 2
    """
    from pipeline.cli.downstream import builder
    from pipeline.recipe import read_yaml
    from pipeline.summary import summary_lines

    if scheduler is not None and workers is not None:
        raise UsageError("--workers starts local workers and --scheduler uses running ones; give one of them")
    raw = read_yaml(recipe, settings)
    kinds = () if retry is None else (FailureKind(retry),)
    run = builder(raw, str(recipe)) or _build_pretraining_set
    summary = run(raw, str(recipe), out, BuildOptions(until, workers, scheduler, remake, kinds))
    show(summary_lines(summary), summary.as_json(), as_json=as_json)


def _build_pretraining_set(raw: Mapping[str, Any], where: str, out: AnyPath, options: BuildOptions) -> "BuildSummary":
    from pipeline.recipe import Recipe
    from pipeline.schema.strict import validated

    checked = validated(Recipe, raw, where)
    return run_build(checked, out, options)


def run_build(recipe: "Recipe", out: AnyPath, options: BuildOptions) -> "BuildSummary":
    """Run the stages, then pretraining and the report, under one progress display."""
    from pipeline.cli.pretraining import pretrain_settings, ready_for, run_pretraining
    from pipeline.files import is_local, on_disk, remove
    from pipeline.report import write_report
    from pipeline.run_directory import claimed_run
    from pipeline.summary import summarise

    started = time.monotonic()
    until = options.last_of(STAGES)
    training = None
    if until == "pretrain" and recipe.pretrain is not None:
        training = pretrain_settings(recipe.pretrain, where="pretrain")
        if is_local(out):
            pretrain = on_disk(RunLayout(out).pretrain, "pretraining")
            ready_for(training, pretrain, remake=options.remake, probabilities=recipe.export.dw_probabilities)
    root = out.resolve() if is_local(out) else out
    with (
        Display() as display,
        claimed_run(root, recipe, remake=options.remake, tell=display.note) as run,
        watched(recipe, run, until, display) as ledger,
    ):
        steps = _build_data(recipe, run, options, ledger, display)
        agreement = _truth(recipe, run, display) if until in ("manifest", "pretrain") else None
        pretrained = None
        try:
            if training is not None and not is_local(run.root):
                display.note(_pretrain_later(run.store(recipe.name)))
            elif training is not None:
                store, folder = (on_disk(p, "pretraining") for p in (run.store(recipe.name), run.pretrain))
                if options.remake and ledger.parts_made:
                    remove(folder)
                pretrained = run_pretraining(training, store, folder, run.truth, display)
        finally:
            worked = ledger.parts_made > 0 or (pretrained is not None and not pretrained.reused)
            if worked or not run.report.exists() or (training is not None and pretrained is None):
                write_report(run, title=recipe.name)
        return summarise(out, recipe.name, time.monotonic() - started, ledger, steps, agreement, pretrained, worked)


def _pretrain_later(store: AnyPath) -> str:
    return f"Pretraining keeps its run on a disk: noldo pretrain RECIPE --store {store} --out DIR"


def _build_data(recipe: "Recipe", run: RunLayout, options: BuildOptions, ledger: Any, display: Display) -> Any:
    """The stages of pipeline.flow, with an emulator and a cluster around them where they are needed."""
    from pipeline import flow
    from pipeline.cluster.client import dask_client
    from pipeline.cluster.crew import crew_of
    from pipeline.commit import begun_inputs
    from pipeline.event_log import read_events
    from pipeline.files import listed
    from pipeline.freed import anything_freed, forget_freed, free_all
    from pipeline.run_state import finished_funnel, list_digest
    from pipeline.sample import listed_files, sample_with_notes, scene_list
    from pipeline.tasks.job import Job

    last = options.last_of(STAGES)
    until = last if last in flow.STAGES else flow.STAGES[-1]
    finished = finished_funnel(run, recipe) if until == flow.STAGES[-1] and not options.retry else None
    if finished is not None:
        if recipe.store.staging == "free":  # perhaps only since it was finished
            free_all(run, len(listed(run.table("sample", 0).parent, "part-*.parquet")))
        return finished
    if options.retry and not options.remake and anything_freed(run):
        raise UsageError(
            f"--retry makes the store anew, but raw pixels under {run.root} were freed after packing; "
            "add --remake to fetch those again too, or leave --retry out"
        )
    if options.remake and begun_inputs(run.store(recipe.name)) is None:  # else it is being packed: go on with that
        forget_freed(run)
    if listed_files(recipe.sample):  # a bad list is told before anything is started
        for note in sample_with_notes(recipe.sample).notes:
            display.note(note)
    left = recipe.budget.left_eecu_s(read_events(run.events))
    costs = {stage: recipe.budget.cost_s(stage) for stage in flow.STAGES} if left is not None else {}
    with (
        source_spec(recipe.source, run, scene_list(recipe.sample)) as spec,
        dask_client(options.workers, options.scheduler) as client,
        crew_of(client, str(run.root), recipe.source.pace, costs, left) as crew,
    ):
        display.note(f"Dask dashboard: {client.dashboard_link}")
        job = Job(run, recipe, spec, list_digest(recipe), crew.link, frozenset(options.retry))
        return flow.build(job, crew, ledger, until, display.note)


def _truth(recipe: "Recipe", run: RunLayout, display: Display) -> float | None:
    """Emulator only: the planet's truth beside the store, and how much of the labels is right."""
    from pipeline.emulator.diagnostics import recorded_agreement, write_truth
    from pipeline.files import is_local, on_disk, remove
    from pipeline.manifest.made_from import made_from_inputs
    from pipeline.recipe import EmulatorSettings
    from pipeline.sample import scene_list

    if not isinstance(recipe.source, EmulatorSettings):
        remove(run.truth)  # the planet's truth says nothing of real pixels
        return None
    if not is_local(run.root):
        return None  # for pretraining, which needs a disk
    truth, index, store = (on_disk(p, "the truth") for p in (run.truth, run.index, run.store(recipe.name)))
    inputs = made_from_inputs(run) or ""
    known = recorded_agreement(truth, inputs)
    if known is not None:
        return known
    planet = planet_spec(recipe.source, scene_list(recipe.sample)).world()
    return write_truth(planet, index, store, truth, inputs, lambda d, n: display.update("truth", d, n))
