"""`noldo transfer`: an encoder on a downstream set."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.cli.output import JSON_HELP, SET_HELP, show
from pipeline.progress import Display
from pipeline.schema.errors import UsageError
from pipeline.schema.paths import AnyPath
from pipeline.schema.strict import validated

if TYPE_CHECKING:
    from training.transfer.progress import TransferProgress

SPLITS = ("train", "test")
"""The two stores of a downstream set: <name>_train.zarr and <name>_test.zarr."""


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--store", required=True, type=RUN_DIRECTORY, help="Run directory of a downstream set, also at s3://.")
@click.option("--weights", type=click.Path(path_type=Path), help="File of the encoder's weights; none for random ones.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of this transfer run.")
@click.option("--name", help="What tables call the run; by default what its weights were pretrained as, or its source.")
@click.option("--resume", is_flag=True, help="Go on with an unfinished run in --out.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help=SET_HELP)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def transfer(
    recipe: Path,
    store: AnyPath,
    weights: Path | None,
    out: Path,
    name: str | None,
    resume: bool,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Train an encoder on a downstream set and score it, as the `transfer` section of RECIPE says.

    Example:  noldo transfer recipes/transfer-demo.yaml --store runs/demo-dw
    --weights runs/demo/pretrain/weights.safetensors --out runs/transfer
    """
    from pipeline.cli.out_folder import require_no_build
    from pipeline.cli.pretraining import require_one_process
    from pipeline.recipe_section import read_section
    from training.json_file import read_json
    from training.transfer.layout import TransferLayout
    from training.transfer.run import transfer as run_transfer
    from training.transfer.settings import TransferSettings

    require_one_process("noldo transfer")
    require_no_build(out, "transfer")
    section = read_section(recipe, settings, "transfer", "recipes/transfer-demo.yaml")
    checked = validated(TransferSettings, section, where=f"{recipe}: transfer")
    train, test = find_split_stores(store)
    with Display() as display:
        try:
            done = run_transfer(
                checked, train, test, weights, out, name=name, resume=resume, on_progress=progress_shower(display)
            )
        except KeyboardInterrupt:
            if any(out.glob("seed-*/*")):
                display.note(f"The repeats and epochs so far are kept in {out}: --resume goes on with them.")
            raise
    layout = TransferLayout(out)
    said = ["Nothing to do: this run is finished."] if done.reused else []
    places = [f"Scores: {layout.result}", f"Settings, weights by name: {layout.record}"]
    keys = key_lines(read_json(layout.record))
    show([*said, *score_lines(done.result), "", *keys, *places], done.result, as_json=as_json)


def find_split_stores(run: AnyPath) -> tuple[AnyPath, AnyPath]:
    """The training and the test store of a downstream build; UsageError where it has not one of each."""
    from pipeline.files import listed

    found = []
    for split in SPLITS:
        stores = listed(run / "store", f"*_{split}.zarr")
        if len(stores) != 1:
            names = ", ".join(store.name for store in stores) or "none"
            raise UsageError(
                f"--store {run}: expected one *_{split}.zarr in {run / 'store'}, found {names}; "
                "give the run directory of a downstream set, such as recipes/dw.yaml builds"
            )
        found.append(stores[0])
    return found[0], found[1]


def progress_shower(display: Display) -> Any:
    """What a transfer run tells its progress to."""
    begun_at: int | None = None

    def tell(progress: "TransferProgress") -> None:
        nonlocal begun_at
        begun_at = progress.steps_done if begun_at is None else begun_at  # the display times from here on
        display.update(
            "transfer",
            progress.steps_done,
            progress.steps_total,
            reused=begun_at,
            unit="steps",
            detail=", ".join(progress_words(progress)),
        )

    return tell


def progress_words(progress: "TransferProgress") -> list[str]:
    """What is shown of a run beside its bar."""
    words = [f"repeat {progress.repeat}/{progress.repeats}"]
    words.append(f"epoch {progress.epoch}/{progress.epochs}" if progress.stage == "train" else "test")
    return words if progress.loss is None else [*words, f"loss {progress.loss:.3f}"]


def key_lines(record: dict[str, Any]) -> list[str]:
    """How many weights of the file were taken, and by name each that the encoder had to do without."""
    keys = (record.get("weights") or {}).get("keys")
    if not keys:
        return []
    lacking = [name for name in keys["missing"] if not name.startswith(("decoder.", "segmentation_head."))]
    counted = ", ".join(f"{len(names)} {what}" for what, names in keys.items())
    return [f"Weights: {counted}", *(f"  missing in the encoder, left as it was: {name}" for name in lacking)]


def score_lines(result: dict[str, Any]) -> list[str]:
    """The scores of a run for a person: mean and standard deviation over its repeats, and the classes."""
    tiles, pixels = result["test_tiles"], result["pixels"] / 1e6
    what = f"{result['framework']} with {result['backbone']}, {result['input']}, encoder {result['encoder']}"
    lines = [
        f"{result['name']}: {what}",
        f"Trained on {result['train_tiles']} tiles, {len(result['seeds'])} times; "
        f"scored on {tiles} tiles, {pixels:.1f} million labelled pixels",
    ]
    for score, mean in result["mean"].items():
        deviation = result["std"][score]
        spread = "" if deviation is None else f" ± {100 * deviation:.2f}"
        lines.append(f"  {score:<5} {100 * mean:6.2f}{spread} %")
    lines.append("IoU by class")
    for place, name in enumerate(result["per_class"]["names"]):
        values = [repeat[place] for repeat in result["per_class"]["iou"]]
        if None not in values:
            lines.append(f"  {name:<46} {100 * sum(values) / len(values):6.2f} %")
    return lines
