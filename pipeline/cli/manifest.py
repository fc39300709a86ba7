"""`noldo manifest`: what a published data set holds."""

import click

from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.cli.manifest_diff import diff
from pipeline.cli.manifest_publish import publish
from pipeline.cli.manifest_repair import repair
from pipeline.cli.manifest_sign import sign
from pipeline.cli.manifest_verify import verify
from pipeline.cli.manifest_write import write
from pipeline.cli.output import JSON_HELP, show
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath


@click.group()
def manifest() -> None:
    """Write, verify, compare, sign, repair and publish the manifest of a data set.

    Example:  noldo manifest verify runs/demo
    """


@manifest.command()
@click.argument("directory", type=RUN_DIRECTORY)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def digest(directory: AnyPath, as_json: bool) -> None:
    """Compute the content digest of the data set in DIRECTORY from its decoded pixels.

    It does not depend on compression, chunks or how the data set was built, only on what it holds.

    Example:  noldo manifest digest runs/demo
    """
    from pipeline.manifest.digest import digest_run

    found = digest_run(RunLayout(directory))
    lines = [f"{found.dataset}  data set, {found.rows} locations"]
    lines += [f"{value}  {name}" for name, value in found.arrays]
    show(lines, found.as_json(), as_json=as_json)


manifest.add_command(diff)
manifest.add_command(publish)
manifest.add_command(repair)
manifest.add_command(sign)
manifest.add_command(verify)
manifest.add_command(write)
