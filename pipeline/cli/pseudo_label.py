"""`noldo pseudo-label`: labels for Sentinel-1 by an optical teacher, added to a store as another label source."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.cli.output import JSON_HELP, SET_HELP, show
from pipeline.cli.pretrain import find_store
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import PretrainLayout
from pipeline.schema.paths import AnyPath

if TYPE_CHECKING:
    from training.pseudo.progress import PseudoProgress
    from training.pseudo.run import PseudoLabelResult


@click.command("pseudo-label")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--store", required=True, type=RUN_DIRECTORY, help="A run directory or a .zarr store, on a disk.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the teacher and the scores.")
@click.option("--name", default="pl", show_default=True, help="What the labels are called in the store.")
@click.option(
    "--teacher",
    "teachers",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A trained network that labels, instead of training one; its run.json must lie beside it. May be repeated.",
)
@click.option("--weights", type=click.Path(path_type=Path), help="Weights that the teacher's training starts from.")
@click.option("--replace", is_flag=True, help="Replace labels of that name that were made otherwise.")
@click.option("--resume", is_flag=True, help="Go on with an unfinished teacher in --out.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help=SET_HELP)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def pseudo_label(
    recipe: Path,
    store: AnyPath,
    out: Path,
    name: str,
    teachers: tuple[Path, ...],
    weights: Path | None,
    replace: bool,
    resume: bool,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Train an optical teacher, and add its labels to a store, as the `pseudo_label` section of RECIPE says.

    Example:  noldo pseudo-label recipes/pseudo-label-demo.yaml --store runs/demo --out runs/teacher

    Example:  noldo pretrain recipes/pseudo-student-demo.yaml --store runs/demo --out runs/student
    """
    from pipeline.cli.out_folder import require_no_build
    from pipeline.progress import Display
    from pipeline.recipe_section import read_section
    from pipeline.schema.strict import validated
    from training.pseudo.run import pseudo_label as make_labels
    from training.pseudo.settings import PseudoLabelSettings

    if teachers and weights:
        raise UsageError("--weights is where a teacher's training starts, and --teacher trains none; give one of them")
    section = read_section(recipe, settings, "pseudo_label", "recipes/pseudo-label.yaml")
    checked = validated(PseudoLabelSettings, section, f"{recipe}: pseudo_label")
    path, truth = find_store(store)
    require_no_build(out, "teacher")
    with Display() as display:

        def tell(progress: "PseudoProgress") -> None:
            unit = "steps" if progress.stage == "teacher" else "locations"
            display.update(progress.stage, progress.done, progress.total, unit=unit, detail=progress.detail)

        try:
            done = make_labels(
                checked,
                path,
                out,
                name=name,
                teachers=teachers,
                weights=weights,
                reference=truth if truth.exists() else None,
                replace=replace,
                resume=resume,
                on_progress=tell,
            )
        except KeyboardInterrupt:
            layout = PretrainLayout(out)
            if layout.checkpoint.exists() and not layout.weights.exists():
                display.note(f"The teacher so far is kept in {layout.checkpoint}: --resume goes on with it.")
            raise
    show(_lines(done), done.result, as_json=as_json)


def _lines(done: "PseudoLabelResult") -> list[str]:
    lines = ["Nothing to do: these labels are there already."] if done.reused else []
    for source, found in done.result["labels"].items():
        words = [f"{source:<16} {found['labelled_share']:6.1%} labelled"]
        if source != "dw":
            words.append(f"agrees with dw {_oa(found['against_dw'])}")
        if "against_truth" in found:
            right = found["against_truth"]
            words.append(f"right {_oa(right['all'])}, {_oa(right['held_out'])} of those held out")
        lines.append("   ".join(words))
    learn = f"noldo pretrain RECIPE --set pretrain.label_source={done.result['name']}"
    return [*lines, "", f"Labels: {done.folder}", f"Learn them:  {learn}"]


def _oa(scores: dict[str, Any] | None) -> str:
    return "-" if scores is None else f"{scores['oa']:.1%}"
