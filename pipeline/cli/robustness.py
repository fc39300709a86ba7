"""`noldo robustness`: what label noise does to a network, layer by layer."""

from pathlib import Path

import click

from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.cli.output import JSON_HELP, SET_HELP, show
from pipeline.schema.paths import AnyPath


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--store", required=True, type=RUN_DIRECTORY, help="A run directory or a .zarr store, also at s3://.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of labels, networks and tables.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help=SET_HELP)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def robustness(recipe: Path, store: AnyPath, out: Path, settings: tuple[str, ...], as_json: bool) -> None:
    """Pretrain on clean and on noisier labels and compare the networks layer by layer.

    The `robustness` section of RECIPE says how. What is finished in OUT is not done again: the same command goes on
    after any interruption.

    Example:  noldo robustness recipes/robustness-demo.yaml --store runs/demo --out runs/robustness
    """
    from pipeline.cli.out_folder import require_no_build
    from pipeline.cli.pretrain import find_store
    from pipeline.cli.pretraining import display_here
    from pipeline.recipe_section import read_section
    from pipeline.schema.strict import validated
    from training.robustness.run import RobustnessProgress
    from training.robustness.run import robustness as run_robustness
    from training.robustness.settings import RobustnessSettings
    from training.robustness.write import markdown

    section = read_section(recipe, settings, "robustness", "recipes/robustness-demo.yaml")
    checked = validated(RobustnessSettings, section, where=f"{recipe}: robustness")
    path, truth = find_store(store)
    require_no_build(out, "robustness")
    with display_here() as display:

        def told(progress: RobustnessProgress) -> None:
            display.update(progress.stage, progress.done, progress.total, unit=progress.unit, detail=progress.detail)

        done = run_robustness(checked, path, out, truth=truth if truth.exists() else None, on_progress=told)
    layout = done.layout
    said = [markdown(done.findings, checked), f"Tables: {layout.markdown}, {layout.layers}, {layout.networks}"]
    show([*said, f"Figure: {layout.figure('png')}, {layout.figure('svg')}"], done.result, as_json=as_json)
