"""`noldo patch`: one patch of a data set as a GeoTIFF."""

import click

from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.schema.paths import AnyPath


@click.command()
@click.argument("directory", type=RUN_DIRECTORY)
@click.argument("location_id", metavar="LOCATION")
@click.option("--season", type=int, default=0, show_default=True, help="Season of a pretraining set, 0 to 3.")
@click.option("--array", default="s2", show_default=True, help="Array of the store, for example s2, s1, dw or osm.")
@click.option("--raw", is_flag=True, help="Digital numbers and dB as float32, instead of 0..255 with scale and offset.")
@click.option("--store", metavar="NAME", help="Of several stores that have the location, for example dw_train.")
@click.option("--out", required=True, type=click.Path(dir_okay=False), help="The GeoTIFF to write.")
def patch(
    directory: AnyPath, location_id: str, season: int, array: str, raw: bool, store: str | None, out: str
) -> None:
    """Write one patch of the data set in DIRECTORY as a GeoTIFF, which QGIS and any other GIS opens.

    LOCATION is an id of column location_id in manifest/index.parquet. Bands have names, labels their colours.

    Example:  noldo patch runs/demo 0000052 --season 2 --array dw --out labels.tif
    """
    from pipeline.reading import open_patch, save_geotiff
    from pipeline.schema.errors import UsageError

    opened = open_patch(directory, location_id, season, store=store, raw=raw)
    if array not in opened:
        raise UsageError(f"{directory} has no array '{array}'; choose one of {', '.join(sorted(map(str, opened)))}")
    chosen = opened[array]
    save_geotiff(chosen, out)
    size = f"{chosen.sizes['y']} x {chosen.sizes['x']} px"
    click.echo(f"{out}: {array} of {location_id}, season {season}, {size}, EPSG:{chosen['spatial_ref'].item()}")
