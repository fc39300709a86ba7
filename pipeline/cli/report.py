"""`noldo report`: the page of a run."""

from pathlib import Path

import click

from pipeline.schema.layout import RunLayout


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
def report(directory: Path) -> None:
    """Write report.html of the run in DIRECTORY anew.

    Example:  noldo report runs/demo
    """
    from pipeline.report import write_report

    click.echo(write_report(RunLayout(directory), title=directory.resolve().name))
