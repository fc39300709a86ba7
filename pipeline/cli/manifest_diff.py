"""`noldo manifest diff`: how far a rebuilt data set differs from another."""

import click

from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.cli.output import JSON_HELP, show
from pipeline.schema.paths import AnyPath

LOCATIONS_HELP = "Compare the pixels of at most this many shared locations, evenly spread; 0 for none. Default: all."


@click.command()
@click.argument("ours", type=RUN_DIRECTORY)
@click.argument("published", type=RUN_DIRECTORY)
@click.option("--locations", type=click.IntRange(min=0), metavar="N", help=LOCATIONS_HELP)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def diff(ours: AnyPath, published: AnyPath, locations: int | None, as_json: bool) -> None:
    """Compare the data set OURS with PUBLISHED: ids, scenes, ground, labels, bands, missing assets.

    Each is a run directory (built or imported), a manifest, its index.parquet, or a list of ids: text with one a
    line, CSV or Parquet with a column location_id, sample_id or id. What one side does not tell is not compared.
    Differences are the result, not a failure: the status is 0 whenever the two could be compared.

    Example:  noldo manifest diff runs/nol ssl4eo_s12_nol_ids.txt
    """
    from pipeline.manifest.drift import compare
    from pipeline.manifest.drift_lines import drift_lines
    from pipeline.manifest.drift_side import open_side
    from pipeline.progress import Display

    sides = open_side(ours), open_side(published)
    with Display() as display:
        found = compare(*sides, locations=locations, on_location=lambda done, n: display.update("compare", done, n))
    show(drift_lines(found), found.as_json(), as_json=as_json)
