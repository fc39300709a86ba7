"""`noldo status`: how a run stands, while it runs or afterwards."""

import sys

import click

from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.cli.output import JSON_HELP, show
from pipeline.cli.told_to_end import ToldToEnd
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath


@click.command()
@click.argument("directory", type=RUN_DIRECTORY)
@click.option("--watch", is_flag=True, help="Look again every few seconds, until the build ends or Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help=f"{JSON_HELP} With --watch, one a line for every look.")
def status(directory: AnyPath, watch: bool, as_json: bool) -> None:
    """Tell how the run in DIRECTORY stands: stages, funnel, rate, requests, failures, compute.

    With --watch the screen is redrawn in place; where the output is no terminal, a line is written now and then and
    the whole at the end. While a build runs, DIRECTORY/live.html shows the same in a browser, with pictures.

    Example:  noldo status runs/demo --watch
    """
    from pipeline.live.look import Look

    look = Look(RunLayout(directory), str(directory))
    if not watch:
        show(look.lines(), look.plain(), as_json=as_json)
        return
    from pipeline.live.terminal import watch as watch_run
    from pipeline.live.terminal import watch_json

    try:
        if as_json:
            watch_json(look, click.echo)
        else:
            watch_run(look)
    except KeyboardInterrupt as told:  # whoever watches has seen enough; the build goes on without them
        if isinstance(told, ToldToEnd):
            sys.exit(told.exit_status)
