"""`noldo report`: the page of a run."""

import click

from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath


@click.command()
@click.argument("directory", type=RUN_DIRECTORY)
def report(directory: AnyPath) -> None:
    """Write report.html of the run in DIRECTORY anew.

    Example:  noldo report runs/demo
    """
    from pipeline.files import is_local
    from pipeline.report import write_report

    click.echo(
        write_report(RunLayout(directory), title=(directory.resolve() if is_local(directory) else directory).name)
    )
