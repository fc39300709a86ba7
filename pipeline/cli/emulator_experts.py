"""`noldo emulator experts`: expert-labelled tiles of the emulator's planet."""

import dataclasses
from pathlib import Path

import click

from pipeline.cli.output import JSON_HELP, show


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--seed", default=7, show_default=True, help="Which planet; 7 is the one of the demo recipes.")
@click.option("--train", type=click.IntRange(min=0), default=24, show_default=True, help="Training tiles, 510 px.")
@click.option("--test", type=click.IntRange(min=0), default=8, show_default=True, help="Hold-out tiles, 512 px.")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def experts(out: Path, seed: int, train: int, test: int, as_json: bool) -> None:
    """Write expert-labelled tiles of the planet into OUT, in the layouts that Dynamic World's are published in.

    They hold the planet's truth at the time of a scene of its catalogue, with areas left unmarked, clouds and a few
    mistakes; some are of days for which a sensor has no scene.

    Example:  noldo emulator experts runs/experts
    """
    from pipeline.emulator.experts import write_experts
    from pipeline.progress import Display

    with Display() as display:
        tiles = write_experts(
            out, seed, train, test, lambda done, total: display.update("experts", done, total, unit="tiles")
        )
    zones = {tile.epsg for tile in tiles}
    lacking = {sensor: sum(tile.lacks == sensor for tile in tiles) for sensor in ("S2", "S1")}
    lines = [
        f"{out}: of planet {seed}, training tiles: {train}, hold-out tiles: {test}, UTM zones: {len(zones)}",
        f"without a partner, on purpose: {lacking['S2']} in Sentinel-2, {lacking['S1']} in Sentinel-1",
    ]
    plain = {"seed": seed, "tiles": [dataclasses.asdict(tile) for tile in tiles], "lacking": lacking}
    show(lines, plain, as_json=as_json)
