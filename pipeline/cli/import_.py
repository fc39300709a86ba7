"""`noldo import`: published files that are on disk already, into the run directory of a build."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.cli.import_tiles import tile_commands
from pipeline.cli.output import JSON_HELP
from pipeline.schema.paths import AnyPath

Command = TypeVar("Command", bound=Callable[..., Any])

SOURCES = click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SOURCE...")


def run_options(command: Command) -> Command:
    """The options that every import has: --out, --until, --workers, --set, --remake, --json."""
    for option in reversed(
        (
            click.option("--out", required=True, type=RUN_DIRECTORY, help="Run directory, made or gone on with."),
            click.option(
                "--until", type=click.Choice(("import", "quality", "pack", "manifest")), help="Stop after this stage."
            ),
            click.option("--workers", type=click.IntRange(min=1), help="Local worker processes; default one a core."),
            click.option(
                "--set", "settings", multiple=True, metavar="KEY=VALUE",
                help="Change a setting, for example quality.dw_min_valid_share=0; may be repeated.",
            ),
            click.option("--remake", is_flag=True, help="Import other files, or in another way, into an old run."),
            click.option("--json", "as_json", is_flag=True, help=JSON_HELP),
        )
    ):  # fmt: skip
        command = option(command)
    return command


@click.group("import")
def import_() -> None:
    """Read published data sets that are on disk already into the store and index that a build makes.

    Archives are read as they are, never unpacked.

    Example:  noldo import ssl4eo data/s1.tar.gz data/s2c.tar.gz --out runs/v1
    """


@import_.command("ssl4eo")
@SOURCES
@run_options
def ssl4eo(sources: tuple[Path, ...], **options: Any) -> None:
    """Import SSL4EO-S12 v1: tars or folders s1 and s2c, or a folder that holds both.

    Without labels: the store's dw is 255 throughout. For labels see `noldo import noldo`.

    Example:  noldo import ssl4eo data/s1.tar.gz data/s2c.tar.gz --out runs/v1
    """
    _run({"kind": "ssl4eo", "images": list(sources)}, **options)


@import_.command("ssl4eo-v1.1")
@SOURCES
@click.option(
    "--offset", "offset_dn", type=click.IntRange(min=0), help="Taken off the digital numbers; 1000 by default."
)
@run_options
def ssl4eo_zarr(sources: tuple[Path, ...], offset_dn: int | None, **options: Any) -> None:
    """Import SSL4EO-S12 v1.1, Zarr edition: the folder that holds S2L1C and S1GRD, or one above it.

    Without labels: the store's dw is 255 throughout. For labels see `noldo import noldo`.

    Example:  noldo import ssl4eo-v1.1 data/ssl4eo-s12/val --out runs/v11
    """
    offset = {} if offset_dn is None else {"offset_dn": offset_dn}
    _run({"kind": "ssl4eo-v1.1", "images": list(sources), **offset}, **options)


@import_.command("noldo")
@click.argument("labels", type=click.Path(path_type=Path))
@click.option(
    "--images", required=True, multiple=True, type=click.Path(path_type=Path),
    help="SSL4EO-S12, of v1 or v1.1: an archive or a folder; may be repeated.",
)  # fmt: skip
@run_options
def noldo_labels(labels: Path, images: tuple[Path, ...], **options: Any) -> None:
    """Import NoLDO-S12's pretraining set: LABELS is ssl4eo_s12_nol.zip, joined to SSL4EO-S12's images by id.

    Example:  noldo import noldo ssl4eo_s12_nol.zip --images data/ssl4eo-s12 --out runs/noldo
    """
    from pipeline.importers.ssl4eo_zarr import holds_zarr_zips

    kind = "ssl4eo-v1.1" if holds_zarr_zips(images) else "ssl4eo"
    _run({"kind": kind, "images": list(images), "labels": labels}, **options)


for command in tile_commands():
    import_.add_command(command)


def _run(
    source: dict[str, Any],
    out: AnyPath,
    until: str | None,
    workers: int | None,
    settings: tuple[str, ...],
    remake: bool,
    as_json: bool,
) -> None:
    from pipeline.cli.build_options import BuildOptions
    from pipeline.cli.import_run import run_import
    from pipeline.cli.output import show
    from pipeline.recipe import apply_setting
    from pipeline.summary import summary_lines

    raw: dict[str, Any] = {"source": source}
    if source.get("labels") is None:
        raw["quality"] = {"dw_min_valid_share": 0.0}
    for setting in settings:
        apply_setting(raw, setting)
    summary, problems = run_import(raw, out, BuildOptions(until, workers, None, remake))
    left_out = [f"Left out   {len(problems)}, each named with the reason in tables/import"] if problems else []
    show([*summary_lines(summary), *left_out], {**summary.as_json(), "problems": problems}, as_json=as_json)
