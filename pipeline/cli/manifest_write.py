"""`noldo manifest write`: the manifest of a finished run, written again from its tables."""

import click

from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.cli.output import JSON_HELP, show
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath

SET_HELP = "What the release is called, for example release.version=1.0.0; kept in the run's recipe; may be repeated."


@click.command()
@click.argument("directory", type=RUN_DIRECTORY)
@click.option("--set", "settings", multiple=True, metavar="release.KEY=VALUE", help=SET_HELP)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def write(directory: AnyPath, settings: tuple[str, ...], as_json: bool) -> None:
    """Write the manifest of the finished run in DIRECTORY again, from the tables that the run keeps.

    noldo build and noldo import write it when they have made the data set. Do it again to give the release its version,
    date, creators, title, url, doi, keywords or hub: later builds keep them, unless their own recipe has a section
    'release'. Pixels are read for the files' checksums only; the content digest stays. A signature goes: sign again.

    Example:  noldo manifest write runs/demo --set release.version=1.0.0 --set release.date=2026-12-01
    """
    from pipeline.manifest.made_from import read_made_from
    from pipeline.manifest.release import checked_release, keep_release, released_section
    from pipeline.manifest.write import write_manifest
    from pipeline.progress import Display
    from pipeline.recipe import apply_setting
    from pipeline.run_directory import held

    run = RunLayout(directory)
    if not directory.is_dir():
        raise UsageError(f"{directory} is no folder; name the run directory that was given to noldo build as --out")
    read_made_from(run)  # before the folder is touched
    raw = {"release": released_section(run)}
    for setting in settings:
        if not setting.startswith("release."):
            raise UsageError(
                f"--set {setting}: a manifest can be called something else, for example release.version=1.0.0; "
                "what decides the data is changed with noldo build"
            )
        apply_setting(raw, setting)
    release = checked_release(raw["release"], where="--set")
    with Display() as display, held(directory, display.note):
        if settings:
            keep_release(run, release)
        made = write_manifest(run, on_file=lambda done, n: display.update("checksums", done, n, unit="files"))
    lines = [
        f"{made.dataset_digest}  content of the data set, {made.locations:,} rows",
        f"{run.manifest}: version {release.version}, {made.files:,} files, {made.published_bytes:,} bytes",
    ]
    plain = {
        "version": release.version,
        "content_digest": made.dataset_digest,
        "store_digest": made.store_digest,
        "rows": made.locations,
        "files": made.files,
        "published_bytes": made.published_bytes,
    }
    show(lines, plain, as_json=as_json)
