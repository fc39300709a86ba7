"""`noldo import dfc2020`, `noldo-dw`, `noldo-osm`: published tile data sets, into the stores of a downstream build."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.cli.output import JSON_HELP, show
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath

if TYPE_CHECKING:
    from pipeline.importers.tile_layout import TileLayout

HELP = {
    "dfc2020": """Import DFC2020: the folder of its GeoTIFFs or of the zips as downloaded, or one zip.

    The contest's 986 validation patches become the training split, its 5,128 test patches the test split; labels are
    its 8 classes, numbered like Dynamic World's.

    Example:  noldo import dfc2020 data/DFC2020 --out runs/dfc2020
    """,
    "noldo-dw": """Import SSL4EO-S12@DW of NoLDO-S12: ssl4eo_s12_dw.zip, or the folder that it unpacks to.

    The zip does not say which scenes its images show, so the index does not either.

    Example:  noldo import noldo-dw ssl4eo_s12_dw.zip --out runs/dw-published
    """,
    "noldo-osm": """Import SSL4EO-S12@OSM of NoLDO-S12: ssl4eo_s12_osm.zip, or the folder that it unpacks to.

    Tiles of 510 pixels a side stand in the middle of 512 where a split has both.

    Example:  noldo import noldo-osm ssl4eo_s12_osm.zip --out runs/osm-published
    """,
}


def tile_commands() -> list[click.Command]:
    """The commands, one a data set, for the group `noldo import`."""
    return [_command(name, text) for name, text in HELP.items()]


def _command(name: str, text: str) -> click.Command:
    @click.command(name, help=text)
    @click.argument("source", type=click.Path(path_type=Path))
    @click.option("--out", required=True, type=RUN_DIRECTORY, help="Run directory, made or gone on with.")
    @click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change a setting of the stores: shard_rows, codec or seed; may be repeated.",
    )
    @click.option("--remake", is_flag=True, help="Import other files, or in another way, into an old directory.")
    @click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
    def run(source: Path, out: AnyPath, settings: tuple[str, ...], remake: bool, as_json: bool) -> None:
        from pipeline.progress import Display
        from pipeline.recipe import apply_setting
        from pipeline.report import write_report
        from pipeline.schema.strict import validated
        from pipeline.tile_import import import_tiles
        from pipeline.tile_store import TileStoreSettings

        raw: dict[str, Any] = {}
        for setting in settings:
            apply_setting(raw, setting)
        checked = validated(TileStoreSettings, raw, "--set")
        with Display() as display:
            told = partial(display.update, unit="tiles")
            made = import_tiles(source, out, _layout(name), checked, remake=remake, progress=told)
        found = RunLayout(out)
        if made.worked or not found.report.exists():
            write_report(found, title=made.layout)
        lines = [*made.lines(), f"It lies in {out}/: store/, manifest/, report.html"]
        show(lines, made.as_json(), as_json=as_json)

    return run  # fmt: skip


def _layout(name: str) -> "TileLayout":
    from pipeline.importers.dfc2020 import DFC2020
    from pipeline.importers.noldo_tiles import NOLDO_DW, NOLDO_OSM

    return {layout.name: layout for layout in (DFC2020, NOLDO_DW, NOLDO_OSM)}[name]
