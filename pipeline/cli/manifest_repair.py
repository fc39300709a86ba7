"""`noldo manifest repair`: put right what is damaged, and nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.cli.output import JSON_HELP, show
from pipeline.schema.errors import UsageError
from pipeline.schema.paths import AnyPath

if TYPE_CHECKING:
    from pipeline.manifest.repair.mending import RepairSource

EARTH_ENGINE = "earth-engine"

FROM_HELP = (
    "A copy of the data set: a folder, s3://, gs:// or http(s)://; it may be compressed anew, or damaged elsewhere. "
    f"Or {EARTH_ENGINE}: fetch the scenes of damaged rows again, by the recipe in the manifest."
)
PROJECT_HELP = f"The Google Cloud project that pays, with --from {EARTH_ENGINE}."
URL_HELP = f"End point of Earth Engine or of a running emulator, with --from {EARTH_ENGINE}."
DRY_RUN_HELP = "Read both and say what would be done; write nothing."
REMOVE_HELP = "Remove files that are not in the list of checksums; without this they are only told."


@click.command()
@click.argument("directory", type=RUN_DIRECTORY)
@click.option("--from", "source", required=True, metavar="SOURCE", help=FROM_HELP)
@click.option("--project", help=PROJECT_HELP)
@click.option("--url", help=URL_HELP)
@click.option("--dry-run", is_flag=True, help=DRY_RUN_HELP)
@click.option("--remove-unlisted", is_flag=True, help=REMOVE_HELP)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def repair(
    directory: AnyPath,
    source: str,
    project: str | None,
    url: str | None,
    dry_run: bool,
    remove_unlisted: bool,
    as_json: bool,
) -> None:
    """Put right what is damaged in the data set in DIRECTORY, from SOURCE.

    The data set is verified, damaged files are replaced one by one, each only by bytes that have its listed checksum,
    and it is verified again. Of a shard that SOURCE does not have as it was listed only the bad rows are taken. Exits
    with 0 only if all holds afterwards. A repair that was killed goes on when it is run again.

    Example:  noldo manifest repair runs/nol --from s3://bucket/nol
    """
    from pipeline.manifest.repair.run import RepairOptions
    from pipeline.manifest.repair.run import repair as run
    from pipeline.manifest.verify.run import Progress, verify
    from pipeline.progress import Display

    if isinstance(directory, Path) and directory.is_file():
        raise UsageError(f"{directory} is a file; give the folder that holds manifest/ and store/")
    with Display() as display, _opened(directory, source, project, url) as opened:

        def tell(progress: Progress) -> None:
            display.update("verify", progress.files, progress.files_in_all, unit="files")

        report = run(
            directory,
            opened,
            lambda root: verify(root, on_progress=tell).findings,
            RepairOptions(dry_run, remove_unlisted),
            lambda done, total: display.update("repair", done, total, unit="files"),
        )
    show(report.lines(), report.as_json(), as_json=as_json)
    if not report.ok:
        raise SystemExit(1)


@contextmanager
def _opened(directory: AnyPath, source: str, project: str | None, url: str | None) -> "Iterator[RepairSource]":
    """What --from names, ready to be read."""
    from pipeline.files import is_local, open_published
    from pipeline.manifest.repair.mending import RepairSource

    if source == EARTH_ENGINE:
        with _earth_engine(directory, project, url) as opened:
            yield opened
        return
    if project is not None or url is not None:
        raise UsageError(f"--project and --url go with --from {EARTH_ENGINE}")
    copy = open_published(source)
    if is_local(copy) and not (copy.is_dir() and ((copy / "manifest").is_dir() or (copy / "store").is_dir())):
        raise UsageError(f"--from {source} has neither manifest/ nor store/; name a copy of the data set")
    same = copy.resolve() == directory.resolve() if is_local(copy) and is_local(directory) else copy == directory
    if same:
        raise UsageError(f"--from {source} is the data set itself; name another copy")
    yield RepairSource.of_copy(copy)


@contextmanager
def _earth_engine(directory: AnyPath, project: str | None, url: str | None) -> "Iterator[RepairSource]":
    """Earth Engine as the data set's own manifest names it, real or emulated."""
    import tempfile

    from pipeline.cli.source_spec import source_spec
    from pipeline.manifest.repair.mending import RepairSource
    from pipeline.rebuild_rows import EarthEngineRows, published_source
    from pipeline.schema.layout import RunLayout

    settings = published_source(directory, project, url)
    # The emulator's log is no part of a published data set.
    with (
        tempfile.TemporaryDirectory(prefix="noldo-") as folder,
        source_spec(settings, RunLayout(Path(folder))) as spec,
    ):
        yield RepairSource(f"Earth Engine at {spec.url}", None, EarthEngineRows(directory, spec))
