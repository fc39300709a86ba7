"""`noldo emulator`: the local Earth Engine."""

from pathlib import Path

import click

from pipeline.cli.emulator_dfc2020 import dfc2020
from pipeline.cli.emulator_experts import experts
from pipeline.cli.output import JSON_HELP, show

FAULTS_HELP = (
    "Shares of requests to disturb, for example 429:0.05,reset:0.02. Asking again helps against 429, 403, 500, 503, "
    "reset, truncate, slow and badpixels, asking for less against memory, nothing against 401."
)
TARGETS_HELP = "Point targets: one 10 m pixel each that Sentinel-1, Sentinel-2 and labels all show."
FLAWS_HELP = (
    "Shares of scenes with something wrong, for example offset:0.05,border:0.05,shift:0.05: Sentinel-2 values 1000 too "
    "high, Sentinel-1 border noise, Sentinel-1 displaced by 1 to 3 pixels."
)
HOST_HELP = "Address to listen at; 0.0.0.0 for all of this machine's: anybody who reaches it may then ask."
MEMORY_HELP = "Answer 400 'User memory limit exceeded.' where more bands than this are asked at once."
CANNED_HELP = (
    "FOR BENCHMARKS OF CLIENTS ONLY: answer pixels from memory. They have the right form but are NOT OF THE ASKED "
    "PLACE: all requests for the same bands and size get the pixels of the first."
)


@click.group()
def emulator() -> None:
    """Serve or check the local Earth Engine over a seeded planet.

    Example:  noldo emulator serve --port 8090 --seed 7
    """


@emulator.command()
@click.option("--host", default="127.0.0.1", show_default=True, help=HOST_HELP)
@click.option("--port", default=8090, show_default=True, help="Port on this machine; 0 for a free one.")
@click.option("--seed", default=0, show_default=True, help="Which planet.")
@click.option("--faults", default="", metavar="SPEC", help=FAULTS_HELP)
@click.option("--latency", default=0.0, show_default=True, help="Seconds added to every answer.")
@click.option("--locations", type=click.Path(path_type=Path), help="GeoParquet with places and dates to have scenes.")
@click.option("--targets", default="", metavar="LON,LAT;...|FILE", help=TARGETS_HELP)
@click.option("--flaws", default="", metavar="SPEC", help=FLAWS_HELP)
@click.option("--memory-bands", type=click.IntRange(min=1), metavar="N", help=MEMORY_HELP)
@click.option("--canned", is_flag=True, help=CANNED_HELP)
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that compute.")
def serve(
    host: str,
    port: int,
    seed: int,
    faults: str,
    latency: float,
    locations: Path | None,
    targets: str,
    flaws: str,
    memory_bands: int | None,
    canned: bool,
    workers: int,
) -> None:
    """Serve until Ctrl-C; the first line printed is the URL.

    What it was asked and did stands at /diagnostics/counts, which planet it serves at /diagnostics/planet, and what
    is wrong with scenes on purpose at /diagnostics/flaws?asset=ID. A web map service of land use answers at /wms.

    Example:  noldo emulator serve --port 8090 --seed 7
    """
    from pipeline.emulator.planet_spec import PlanetSpec
    from pipeline.emulator.process import serve as serve_emulator

    spec = PlanetSpec(seed, locations, targets, flaws, canned)
    serve_emulator(port, spec, faults, latency, host=host, memory_bands=memory_bands, workers=workers)


@emulator.command()
@click.option("--real", required=True, type=click.Path(path_type=Path), help="Parquet table of real pixels.")
@click.option("--seed", default=0, show_default=True, help="Which planet.")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def check(real: Path, seed: int, as_json: bool) -> None:
    """Set the planet beside a table of real pixels, class by class and band by band.

    Example:  noldo emulator check --real s1_s2_dw_pixels_west_us.parquet
    """
    from pipeline.emulator.check import check_json, check_planet, format_check
    from pipeline.emulator.planet import Planet

    table = check_planet(Planet(seed), real)
    show(format_check(table).splitlines(), check_json(table), as_json=as_json)


emulator.add_command(experts)
emulator.add_command(dfc2020)
