"""`noldo analyze`: the figures that finished runs allow."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.cli.output import JSON_HELP, show
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath

if TYPE_CHECKING:
    from training.analysis.subject import OtherEncoder

DW_TEST = "dw_test.zarr"
"""The store of expert-marked tiles in the run directory of a build of them."""


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option("--store", type=RUN_DIRECTORY, help="The pretraining store; by default where each run found it.")
@click.option("--dw-test", type=RUN_DIRECTORY, help="Expert-marked test tiles: a build of them, or its dw_test.zarr.")
@click.option("--encoder", "encoders", multiple=True, metavar="NAME[=FILE]", help="Features of this encoder too.")
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder of the figures.")
@click.option("--patches", type=click.IntRange(min=4), help="Patches that a figure is made of at most; default 512.")
@click.option("--shown", type=click.IntRange(min=1), help="Patches and tiles that are shown as images; default 3.")
@click.option(
    "--window-px", type=click.IntRange(min=32), help="See test tiles in half overlapping windows of this side."
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="By default the first GPU, or the CPU.")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads of the arithmetic.")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def analyze(
    runs: tuple[Path, ...],
    store: AnyPath | None,
    dw_test: AnyPath | None,
    encoders: tuple[str, ...],
    out: Path,
    patches: int | None,
    shown: int | None,
    window_px: int | None,
    device: str | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Draw what pretraining and transfer runs tell, each figure with its data, and one page with all of them.

    RUN is a folder of a pretraining run, a transfer run, or a build with a pretraining run. Curves over epochs need
    pretraining runs with the setting keep_every.

    Example:  noldo analyze runs/demo runs/transfer --dw-test runs/demo-dw --out runs/analysis
    """
    from pipeline.cli.pretrain import find_store
    from pipeline.progress import Display
    from pipeline.schema.strict import validated
    from training.analysis.analyze import analyze as run_analysis
    from training.analysis.subject import AnalysisSettings

    given = {
        "most_patches": patches,
        "shown_patches": shown,
        "window_px": window_px,
        "device": device,
        "threads": threads,
    }
    settings = validated(AnalysisSettings, {k: v for k, v in given.items() if v is not None}, "noldo analyze")
    with Display() as display:
        done = run_analysis(
            runs,
            out,
            store=None if store is None else find_store(store)[0],
            truth_of=_truth_beside,
            dw_test=None if dw_test is None else _tiles(dw_test),
            encoders=[_encoder(text) for text in encoders],
            settings=settings,
            tell=display.note,
        )
    figures, missing = done.summary["figures"], done.summary["missing"]
    lines = [f"{len(figures)} figures in {out / 'figures'}, each as PNG, SVG and CSV"]
    lines += [f"Not made: {each['title']}: {each['why']}" for each in missing]
    show([*lines, "", f"Page: {done.page}"], done.summary, as_json=as_json)


def _truth_beside(store: AnyPath) -> AnyPath | None:
    truth = RunLayout(store.parent.parent).truth
    return truth if truth.exists() else None


def _tiles(path: AnyPath) -> AnyPath:
    store = path if path.suffix == ".zarr" else RunLayout(path).store(DW_TEST.removesuffix(".zarr"))
    if not store.exists():
        raise UsageError(f"--dw-test {path}: no such store {store}; give what noldo build recipes/dw.yaml made")
    return store


def _encoder(text: str) -> "OtherEncoder":
    from training.analysis.subject import OtherEncoder

    source, _, weights = text.partition("=")
    return OtherEncoder(source, Path(weights) if weights else None)
