"""`noldo manifest publish`: release a data set where others find it."""

import click

from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.cli.output import JSON_HELP, show
from pipeline.schema.paths import AnyPath

VERSION_HELP = "What the release is expected to be called; another version in the manifest is refused."
DRY_HELP = "Tell what would be sent and where; send and verify nothing."


@click.command()
@click.argument("directory", type=RUN_DIRECTORY)
@click.argument("target")
@click.option("--version", metavar="X.Y.Z", help=VERSION_HELP)
@click.option("--dry-run", is_flag=True, help=DRY_HELP)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def publish(directory: AnyPath, target: str, version: str | None, dry_run: bool, as_json: bool) -> None:
    """Release the data set in DIRECTORY, under the version that its manifest has, in TARGET.

    TARGET is a folder, s3://BUCKET/FOLDER or gs://BUCKET/FOLDER, which then holds X.Y.Z/ and, last of all,
    releases/X.Y.Z.json; or hf://datasets/OWNER/NAME on the Hugging Face Hub, where the tag X.Y.Z is made last.
    The data set is verified first, and what was sent is read back (the Hub tells digests). A release is never
    overwritten. Interrupted, run the same command again.

    Example:  noldo manifest publish runs/demo /data/releases/noldo-demo
    """
    from pipeline.manifest.publish import run
    from pipeline.manifest.publish.release import read_release
    from pipeline.manifest.verify.run import Progress
    from pipeline.progress import Display

    release = read_release(directory)
    run.require_version(release, version, directory)
    where = run.open_target(target, directory)
    planned = run.preview(release, where)
    if dry_run or not run.may_write(where):
        show(planned.lines("would publish"), {**planned.as_json(), "published": False}, as_json=as_json)
    if dry_run:
        return
    run.require_token(where)
    run.refuse_what_is_there(release, where)
    with Display() as display:

        def verified(progress: Progress) -> None:
            display.update("verify", progress.files, progress.files_in_all, unit="files")

        def sent(done: int, total: int, reused: int) -> None:
            display.update("publish", done, total, reused=reused, unit="files")

        run.require_sound(directory, verified)
        done = run.publish(release, where, on_file=sent, tell=display.note)
    show(done.lines("published"), {**done.as_json(), "published": True}, as_json=as_json)
