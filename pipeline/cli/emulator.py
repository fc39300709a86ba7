"""`noldo emulator`: the local Earth Engine."""

from pathlib import Path

import click

from pipeline.cli.output import JSON_HELP, show


@click.group()
def emulator() -> None:
    """Serve or check the local Earth Engine over a seeded planet."""


@emulator.command()
@click.option("--port", default=8090, show_default=True, help="Port on this machine; 0 for a free one.")
@click.option("--seed", default=0, show_default=True, help="Which planet.")
@click.option("--faults", default="", metavar="SPEC", help="Faults to inject, for example 429:0.05,reset:0.02.")
@click.option("--latency", default=0.0, show_default=True, help="Seconds added to every answer.")
@click.option("--locations", type=click.Path(path_type=Path), help="GeoParquet with places and dates to have scenes.")
def serve(port: int, seed: int, faults: str, latency: float, locations: Path | None) -> None:
    """Serve until Ctrl-C; the first line printed is the URL.

    Example:  noldo emulator serve --port 8090 --seed 7
    """
    from pipeline.emulator.process import serve as serve_emulator

    serve_emulator(port=port, seed=seed, faults=faults, latency_s=latency, locations=locations)


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
