"""`noldo compare`: the paper's comparison in one command."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.output import JSON_HELP, SET_HELP, show
from pipeline.progress import Display
from pipeline.schema.strict import validated

if TYPE_CHECKING:
    from training.compare.plan import SetStores
    from training.compare.run import Comparison
    from training.compare.settings import CompareSettings


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder of all its runs.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help=SET_HELP)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def compare(recipe: Path, out: Path, settings: tuple[str, ...], as_json: bool) -> None:
    """Pretrain every variant, transfer each to every downstream set, and write the tables.

    What is finished in OUT is not done again: the same command goes on after any interruption. `make compare` builds
    the sets on the local Earth Engine first.

    Example:  noldo compare recipes/compare-demo.yaml --out runs/compare
    """
    from pipeline.cli.directory import run_directory
    from pipeline.cli.out_folder import require_no_build
    from pipeline.cli.pretrain import find_store
    from pipeline.cli.pretraining import require_one_process
    from training.compare.plan import plan_comparison
    from training.compare.run import ComparisonProgress
    from training.compare.run import compare as run_comparison
    from training.json_file import read_json, write_json
    from training.tables import Pairing, write_tables

    require_one_process("noldo compare")
    require_no_build(out, "compare")
    checked = _checked(recipe, settings)
    store, truth = find_store(run_directory(checked.store))
    plan = plan_comparison(checked, _found_sets(checked), out)
    with Display() as display:

        def told(progress: ComparisonProgress) -> None:
            display.update(progress.stage, progress.done, progress.total, unit="runs", detail=progress.under_way)

        done = run_comparison(plan, store, truth if truth.exists() else None, told)
    made = write_tables([out / "transfer"], out / "tables", Pairing((), ()))
    record = out / "comparison.json"
    if not (done.reused and record.exists()):
        command = f"noldo compare {recipe} --out {out}" + "".join(f" --set {told}" for told in settings)
        write_json(record, {"command": command, "settings": checked.model_dump(mode="json"), **_plain(done)})
    said = ["Nothing to do: every run is finished."] if done.reused else []
    counted = f"{len(plan.pretrainings)} pretrainings, {len(plan.transfers)} transfers of {checked.seeds} repeats"
    show([*said, counted, *map(str, made.files), str(record)], read_json(record), as_json=as_json)


def _checked(recipe: Path, settings: tuple[str, ...]) -> "CompareSettings":
    from pipeline.recipe_section import read_section
    from training.compare.settings import CompareSettings

    section = read_section(recipe, settings, "compare", "recipes/compare-demo.yaml")
    return validated(CompareSettings, section, where=f"{recipe}: compare")


def _plain(done: "Comparison") -> dict[str, Any]:
    """What comparison.json says of the runs; seconds are those of the epochs, whichever call they ran in."""
    return {
        "date": date.today().isoformat(),
        "made_with": done.made_with,
        "seconds_pretraining": sum(result["seconds"] for result in done.pretrained),
        "seconds_transfer": sum(result["seconds"] for result in done.results),
        "pretrained": done.pretrained,
        "transfers": done.results,
    }


def _found_sets(settings: "CompareSettings") -> Mapping[str, "SetStores"]:
    from pipeline.cli.directory import run_directory
    from pipeline.cli.transfer import find_split_stores
    from training.compare.plan import SetStores

    return {name: SetStores(*find_split_stores(run_directory(about.store))) for name, about in settings.sets.items()}
