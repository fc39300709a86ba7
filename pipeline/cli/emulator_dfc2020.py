"""`noldo emulator dfc2020`: patches of the emulator's planet in the layout of DFC2020."""

import dataclasses
from pathlib import Path

import click

from pipeline.cli.output import JSON_HELP, show


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--seed", default=7, show_default=True, help="Which planet; 7 is the one of the demo recipes.")
@click.option("--validation", type=click.IntRange(min=0), default=24, show_default=True, help="To train on, 256 px.")
@click.option("--test", type=click.IntRange(min=0), default=12, show_default=True, help="To score on, 256 px.")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def dfc2020(out: Path, seed: int, validation: int, test: int, as_json: bool) -> None:
    """Write patches of the planet into OUT, in the layout of DFC2020, with its truth as their labels.

    `noldo import dfc2020` makes stores of them, as of the contest's own. As there, the validation patches become the
    training split.

    Example:  noldo emulator dfc2020 runs/dfc2020-files
    """
    from pipeline.emulator.dfc2020 import write_dfc2020
    from pipeline.progress import Display

    with Display() as display:
        written = write_dfc2020(
            out, seed, validation, test, lambda done, total: display.update("dfc2020", done, total, unit="patches")
        )
    lines = [f"{out}: of planet {seed}, validation patches: {validation}, test patches: {test}"]
    show(lines, {"seed": seed, "patches": [dataclasses.asdict(patch) for patch in written]}, as_json=as_json)
