"""`noldo bench`: how fast the pieces are on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.cli.output import JSON_HELP, SET_HELP, show
from pipeline.schema.errors import UsageError
from pipeline.schema.paths import AnyPath

if TYPE_CHECKING:
    from benchmarks.result import BenchmarkResult

OUT_HELP = "Keep the result as JSON in this file, or in this folder under its own name."
FOLDER_HELP = "Where to work; by default the system's folder for temporary files."

_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)


@click.group()
def bench() -> None:
    """Measure, set the goals beside it, and say on which machine. Exits with 0 however slow it was.

    Example:  noldo bench loader --out benchmarks/results
    """


@bench.command()
@click.option("--count", type=click.IntRange(min=1), default=1200, show_default=True, help="Locations sampled.")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Worker processes.")
@click.option("--latency", type=click.FloatRange(min=0), default=2.0, show_default=True, help="Of an answer, seconds.")
@click.option("--folder", type=_FOLDER, help=f"{FOLDER_HELP} Takes 8 MB a kept location.")
@click.option("--out", type=click.Path(path_type=Path), help=OUT_HELP)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def export(count: int, workers: int, latency: float, folder: Path | None, out: Path | None, as_json: bool) -> None:
    """Export against an emulator with latency, 40 slots and canned pixels: slots busy, requests, CPU, memory.

    Example:  noldo bench export --out benchmarks/results
    """
    from benchmarks.export import ExportLoad, bench_export

    click.echo("builds for a minute or more, scenes first, then pixels", err=True)
    _tell(bench_export(ExportLoad(count, workers, latency), folder), out, as_json=as_json)


@bench.command()
@click.option("--count", "counts", type=click.IntRange(min=1), multiple=True, help="A size; may be repeated.")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Worker processes.")
@click.option("--folder", type=_FOLDER, help=FOLDER_HELP)
@click.option("--out", type=click.Path(path_type=Path), help=OUT_HELP)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def scale(counts: tuple[int, ...], workers: int, folder: Path | None, out: Path | None, as_json: bool) -> None:
    """Every stage but the pixels at growing sizes: time and memory, and whether both grow along a line.

    Example:  noldo bench scale --count 25000 --count 100000 --count 251079 --out benchmarks/results
    """
    from benchmarks.scale import SIZES, bench_scale

    result = bench_scale(counts or SIZES, workers, folder, lambda line: click.echo(line, err=True))
    _tell(result, out, as_json=as_json)


@bench.command()
@click.option("--count", "counts", type=click.IntRange(min=1), multiple=True, help="Locations kept; may be repeated.")
@click.option("--folder", type=_FOLDER, help=f"{FOLDER_HELP} Takes 5 KB a location.")
@click.option("--out", type=click.Path(path_type=Path), help=OUT_HELP)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def manifest(counts: tuple[int, ...], folder: Path | None, out: Path | None, as_json: bool) -> None:
    """Writing the manifest of large data sets from made-up tables: time and memory, the stores' own files left out.

    Example:  noldo bench manifest --count 100000 --count 251079 --out benchmarks/results
    """
    from benchmarks.manifest import SIZES, bench_manifest

    _tell(bench_manifest(counts or SIZES, folder, lambda line: click.echo(line, err=True)), out, as_json=as_json)


@bench.command()
@click.option("--locations", type=click.IntRange(min=1), default=256, show_default=True, help="Made up and read.")
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True, help="Of which the median counts.")
@click.option("--compressible", is_flag=True, help="Images that lz4 shortens, to 0.91; by default it cannot.")
@click.option("--folder", type=_FOLDER, help=f"{FOLDER_HELP} Takes 12 MB a location.")
@click.option("--out", type=click.Path(path_type=Path), help=OUT_HELP)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def loader(
    locations: int, rounds: int, compressible: bool, folder: Path | None, out: Path | None, as_json: bool
) -> None:
    """Reading a store on one core and on two, beside other readers of the same data, bare decoding and a copy.

    Example:  noldo bench loader --out benchmarks/results
    """
    from benchmarks.loader import LoaderLoad, bench_loader

    load = LoaderLoad(locations, rounds, compressible=compressible)
    _tell(bench_loader(load, folder, lambda line: click.echo(line, err=True)), out, as_json=as_json)


@bench.command()
@click.option("--locations", type=click.IntRange(min=1), default=512, show_default=True, help="Of the release.")
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True, help="Of which the median counts.")
@click.option("--compressible", is_flag=True, help="Images that lz4 shortens, to 0.91; by default it cannot.")
@click.option("--folder", type=_FOLDER, help=f"{FOLDER_HELP} Takes 5 MB a location.")
@click.option("--out", type=click.Path(path_type=Path), help=OUT_HELP)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def verify(
    locations: int, rounds: int, compressible: bool, folder: Path | None, out: Path | None, as_json: bool
) -> None:
    """Verifying a release, beside reading and hashing its files alone, and sha256sum.

    Example:  noldo bench verify --out benchmarks/results
    """
    from benchmarks.verify import VerifyLoad, bench_verify

    load = VerifyLoad(locations, rounds, compressible=compressible)
    _tell(bench_verify(load, folder, lambda line: click.echo(line, err=True)), out, as_json=as_json)


@bench.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--store", required=True, type=RUN_DIRECTORY, help="A run directory that an emulator's build left.")
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="Runs of every variant.")
@click.option("--variant", "variants", multiple=True, help="Only this one; may be repeated.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help=SET_HELP)
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Keep the runs, and go on with them.")
@click.option("--out", type=click.Path(path_type=Path), help=OUT_HELP)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def variants(
    recipe: Path,
    store: AnyPath,
    seeds: int,
    variants: tuple[str, ...],
    settings: tuple[str, ...],
    folder: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """The variants of the paper, pretrained as RECIPE's 'pretrain' section says, scored against the planet's truth.

    Example:  noldo bench variants recipes/demo.yaml --store runs/demo --out benchmarks/results
    """
    from benchmarks.variants import bench_variants
    from pipeline.cli.pretrain import find_store
    from pipeline.recipe_section import read_section
    from training.variants import VARIANTS

    unknown = [name for name in variants if name not in VARIANTS]
    if unknown:
        raise UsageError(f"--variant {unknown[0]}: give one of {', '.join(VARIANTS)}")
    base = read_section(recipe, settings, "pretrain", "recipes/demo.yaml")
    path, truth = find_store(store)
    if not truth.exists():
        raise UsageError(f"{truth} is not there: only builds on the emulator have a truth to score against; give one")
    shared = {key: value for key, value in base.items() if key not in ("modalities", "fusion", "seed")}
    result = bench_variants(
        path, truth, shared, seeds=seeds, variants=variants, folder=folder, tell=lambda line: click.echo(line, err=True)
    )
    _tell(result, out, as_json=as_json)


@bench.command()
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="auto: a GPU if any.",
)
@click.option("--batch", type=click.IntRange(min=2), help="Locations a step; 128 on a GPU, 4 on a CPU.")
@click.option("--crop", type=click.IntRange(min=32), help="Pixels, a multiple of 32; 256 on a GPU, 128 on a CPU.")
@click.option("--encoder", help="By its name in segmentation-models-pytorch; resnet50.")
@click.option("--steps", type=click.IntRange(min=1), help="A round, of which the median of 5 counts; 10 or 2.")
@click.option(
    "--compile", "compile_ours", type=click.Choice(["auto", "on", "off"]), default="auto", show_default=True,
    help="Whether torch compiles our step; auto: on a GPU.",
)  # fmt: skip
@click.option("--folder", type=_FOLDER, help=f"{FOLDER_HELP} Takes 18 MB for each location of a batch.")
@click.option("--out", type=click.Path(path_type=Path), help=OUT_HELP)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def step(
    device: str,
    batch: int | None,
    crop: int | None,
    encoder: str | None,
    steps: int | None,
    compile_ours: Literal["auto", "on", "off"],
    folder: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """A training step beside a plain writing of the same mathematics: speed, MFU, memory, waiting for data.

    Example:  noldo bench step --out benchmarks/results
    """
    from benchmarks.step import bench_step, load_for

    load = load_for(device, batch=batch, crop=crop, encoder=encoder, steps=steps, compile_ours=compile_ours)
    _tell(bench_step(load, folder, lambda line: click.echo(line, err=True)), out, as_json=as_json)


def _tell(result: "BenchmarkResult", out: Path | None, *, as_json: bool) -> None:
    if out is not None:
        click.echo(f"kept in {result.write(out)}", err=True)
    show(result.lines(), result.as_json(), as_json=as_json)
