"""`noldo manifest diff`: how far a rebuilt data set differs from another."""

import click

from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.cli.output import JSON_HELP, show
from pipeline.schema.paths import AnyPath

LOCATIONS_HELP = "Read the pixels of at most this many shared locations, evenly spread; 0 for none. Default: all."
REREAD_HELP = "Read pixels also where both manifests have digests of them and these are the same."


@click.command()
@click.argument("ours", type=RUN_DIRECTORY)
@click.argument("published", type=RUN_DIRECTORY)
@click.option("--locations", type=click.IntRange(min=0), metavar="N", help=LOCATIONS_HELP)
@click.option("--reread", is_flag=True, help=REREAD_HELP)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def diff(ours: AnyPath, published: AnyPath, locations: int | None, reread: bool, as_json: bool) -> None:
    """Compare the data set OURS with PUBLISHED: ids, scenes, ground, labels, bands, missing assets, and how both
    were made: recipe key by key, code, release, licences.

    Each is a run directory or a release (built, imported or downloaded), a manifest, its index.parquet, or a list of
    ids: text with one a line, CSV or Parquet with a column location_id, sample_id or id. What one side does not tell
    is not compared. Two manifests with digests are compared row by row without reading a pixel; pixels are then read
    only where rows differ and both stores are there. Two releases are given in their order: old, new.
    Differences are the result, not a failure: the status is 0 whenever the two could be compared.

    Example:  noldo manifest diff runs/nol ssl4eo_s12_nol_ids.txt
    """
    from pipeline.manifest.drift import compare
    from pipeline.manifest.drift_lines import drift_lines
    from pipeline.manifest.drift_side import open_side
    from pipeline.progress import Display

    sides = open_side(ours), open_side(published)
    with Display() as display:
        found = compare(
            *sides, locations=locations, reread=reread, on_location=lambda done, n: display.update("compare", done, n)
        )
    show(drift_lines(found), found.as_json(), as_json=as_json)
