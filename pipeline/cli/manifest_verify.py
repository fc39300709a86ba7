"""`noldo manifest verify`: whether a published data set is what its manifest says."""

import time
from pathlib import Path

import click

from pipeline.cli.directory import PUBLISHED
from pipeline.cli.output import JSON_HELP, show
from pipeline.schema.errors import UsageError
from pipeline.schema.paths import AnyPath

SAMPLE_HELP = "Read this share of the shards, 0..1; the manifest is read whole, and every file looked for."
KEY_HELP = "Public SSH key, or file of allowed signers, that must have signed."
RECOMPRESSED_HELP = "The stores were packed anew by somebody: compare what they hold, not their files."


@click.command()
@click.argument("directory", type=PUBLISHED)
@click.option("--sample", type=click.FloatRange(0, 1, min_open=True), default=1.0, metavar="SHARE", help=SAMPLE_HELP)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the sample.")
@click.option("--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="KEYFILE", help=KEY_HELP)
@click.option("--recompressed", is_flag=True, help=RECOMPRESSED_HELP)
@click.option("--threads", type=click.IntRange(min=1), help="By default one a core; 4 where files come over a network.")
@click.option("--all", "every", is_flag=True, help="Tell everything that was found, not ten things a check.")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def verify(
    directory: AnyPath,
    sample: float,
    seed: int,
    key: Path | None,
    recompressed: bool,
    threads: int | None,
    every: bool,
    as_json: bool,
) -> None:
    """Hold the data set in DIRECTORY, which has manifest/ and store/, against its manifest.

    DIRECTORY is a folder, s3://, gs://, or http(s):// for reading from a plain web server. Exits with 0 only if all
    holds that was looked at, else with 1 and a table of what does not.

    Example:  noldo manifest verify runs/demo
    """
    from pipeline.manifest.verify.report import LINES
    from pipeline.manifest.verify.run import Progress
    from pipeline.manifest.verify.run import verify as run
    from pipeline.progress import Display

    if isinstance(directory, Path) and directory.is_file():
        raise UsageError(f"{directory} is a file; give the folder that holds manifest/ and store/")
    started = time.monotonic()
    with Display() as display:

        def tell(progress: Progress) -> None:
            speed = progress.bytes / max(time.monotonic() - started, 1e-3) / 1e6
            done, total = progress.files, progress.files_in_all
            display.update("verify", done, total, unit="files", detail=f"{speed:.0f} MB/s")

        report = run(
            directory,
            sample=sample,
            seed=seed,
            key=key,
            threads=threads,
            recompressed=recompressed,
            on_progress=tell,
        )
    show(report.lines(None if every else LINES), report.as_json(), as_json=as_json)
    if not report.ok:
        raise SystemExit(1)
