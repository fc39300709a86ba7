"""`noldo bench`: how fast the pieces are on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from pipeline.cli.output import JSON_HELP, show

if TYPE_CHECKING:
    from benchmarks.result import BenchmarkResult

OUT_HELP = "Keep the result as JSON in this file, or in this folder under its own name."
FOLDER_HELP = "Where to work; by default the system's folder for temporary files."

_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)


@click.group()
def bench() -> None:
    """Measure, set the goals beside it, and say on which machine. Exits with 0 however slow it was."""


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
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--batch", type=click.IntRange(min=2), help="Locations a step; 128 on a GPU, 4 on a CPU.")
@click.option("--crop", type=click.IntRange(min=32), help="Pixels, a multiple of 32; 256 on a GPU, 128 on a CPU.")
@click.option("--encoder", help="By its name in segmentation-models-pytorch; resnet50.")
@click.option("--steps", type=click.IntRange(min=1), help="A round, of which the median of 5 counts; 10 or 2.")
@click.option("--compile", "compile_ours", type=click.Choice(["auto", "on", "off"]), default="auto", show_default=True)
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
