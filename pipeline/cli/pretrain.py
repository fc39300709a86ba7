"""`noldo pretrain`: CromSS on a store."""

from pathlib import Path

import click

from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.cli.output import JSON_HELP, SET_HELP, show
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import PretrainLayout, RunLayout
from pipeline.schema.paths import AnyPath


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--store", required=True, type=RUN_DIRECTORY, help="A run directory or a .zarr store, also at s3://.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of this pretraining run.")
@click.option("--resume", is_flag=True, help="Go on with an unfinished run in --out.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help=SET_HELP)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def pretrain(recipe: Path, store: AnyPath, out: Path, resume: bool, settings: tuple[str, ...], as_json: bool) -> None:
    """Pretrain CromSS on a store, as the `pretrain` section of RECIPE says.

    Example:  noldo pretrain recipes/pretrain-cromss-mid.yaml --store runs/demo --out runs/cromss

    On several GPUs:

    Example:  torchrun --nproc-per-node 4 --no-python noldo pretrain RECIPE --store STORE --out OUT
    """
    from pipeline.cli.out_folder import require_no_build
    from pipeline.cli.pretraining import display_here, pretrain_settings, run_pretraining
    from pipeline.recipe_section import read_section
    from pipeline.summary import pretrain_lines

    section = read_section(recipe, settings, "pretrain", "recipes/pretrain-cromss-mid.yaml")
    checked = pretrain_settings(section, where=f"{recipe}: pretrain")
    path, truth = find_store(store)
    require_no_build(out, "pretrain")
    layout = PretrainLayout(out)
    with display_here() as display:
        try:
            done = run_pretraining(checked, path, out, truth, display, resume=resume)
        except KeyboardInterrupt:
            if layout.checkpoint.exists():
                display.note(f"The run so far is kept in {layout.checkpoint}: --resume goes on with it.")
            raise
    if not done.result:
        return  # another process of this run shows it
    said = ["Nothing to do: this run is finished."] if done.reused else []
    show(
        [*said, *pretrain_lines(done.result), "", f"Weights: {layout.weights}", f"Log: {layout.log}"],
        done.result,
        as_json=as_json,
    )


def find_store(path: AnyPath) -> tuple[AnyPath, AnyPath]:
    """The store that `path` is or holds, and where its truth would lie (emulator runs only)."""
    if path.suffix == ".zarr":
        return path, RunLayout(path.parent.parent).truth
    from pipeline.files import listed

    stores = listed(path / "store", "*.zarr")
    if not stores:
        raise UsageError(
            f"--store {path}: there is no {path / 'store'}/*.zarr; name the folder that was given to "
            "'noldo build RECIPE --out DIR', once it is packed, or a .zarr"
        )
    if len(stores) > 1:
        found = ", ".join(s.name for s in stores)
        raise UsageError(
            f"--store {path}: expected one store in {path / 'store'}, found {found}; name the .zarr itself"
        )
    return stores[0], RunLayout(path).truth
