"""`noldo report`: the page of a build, or the tables of transfer runs."""

from pathlib import Path

import click

from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.cli.output import JSON_HELP, show
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath


@click.command()
@click.argument("directories", nargs=-1, required=True, metavar="DIRECTORY...", type=RUN_DIRECTORY)
@click.option("--samples", type=click.IntRange(1, 100), help="Locations, or tiles, with pictures on the page.  [12]")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the tables; by default DIRECTORY/tables.")
@click.option("--against", multiple=True, metavar="NAME", help="Set every row against this one; may be repeated.")
@click.option("--pair", "pairs", nargs=2, multiple=True, metavar="NAME NAME", help="Set one row against another.")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def report(
    directories: tuple[AnyPath, ...],
    samples: int | None,
    out: Path | None,
    against: tuple[str, ...],
    pairs: tuple[tuple[str, str], ...],
    as_json: bool,
) -> None:
    """Write report.html of the build in DIRECTORY anew, or the tables of the transfer runs in and below it.

    The page holds the pictures of 12 locations, or tiles, evenly spaced over the store: --samples takes another number
    up to 100, at about half a megabyte each.

    Several directories, and the options --out, --against and --pair, are about tables. Without --against and --pair
    rows are set against random, and CromSS against the same pretraining without its selection.

    Example:  noldo report runs/demo

    Example:  noldo report runs/demo --samples 40

    Example:  noldo report runs/transfer --pair CromSS-midF MoCo
    """
    from pipeline.cli.tables import make_tables
    from pipeline.files import is_local
    from pipeline.report import SHOWN, is_run, write_report

    first = directories[0]
    about_tables = len(directories) > 1 or out is not None or against or pairs
    if not about_tables and is_run(RunLayout(first)):
        title = (first.resolve() if is_local(first) else first).name
        page = write_report(RunLayout(first), title=title, samples=samples or SHOWN)
        show([str(page)], {"report": str(page)}, as_json=as_json)
        return
    if samples is not None:
        raise UsageError(
            f"--samples is about the page of a build, and {first} is to have tables; leave one of them out"
        )
    folders = [directory for directory in directories if is_local(directory)]
    if len(folders) < len(directories):
        raise UsageError(f"{first} holds no build, and transfer runs lie on a disk; name a folder")
    if len(folders) > 1 and out is None:
        raise UsageError("several directories make one set of tables; say with --out where it is to go")
    make_tables(folders, out, against, pairs, as_json=as_json)
