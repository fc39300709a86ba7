"""`noldo manifest sign`: put a name to the list of checksums."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.cli.output import JSON_HELP, show
from pipeline.schema.paths import AnyPath

if TYPE_CHECKING:
    from pipeline.manifest.checksums import ChecksumReport

UNREAD_HELP = "Read none of the listed files first; for a data set that was verified a moment ago."


@click.command()
@click.argument("directory", type=RUN_DIRECTORY)
@click.option(
    "--key",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="KEYFILE",
    help="SSH private key, or a public one whose private half ssh-agent or a security key holds.",
)
@click.option("--unread", is_flag=True, help=UNREAD_HELP)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def sign(directory: AnyPath, key: Path, unread: bool, as_json: bool) -> None:
    """Sign the list of checksums of the data set in DIRECTORY with an SSH key.

    First every listed file is read: a list that is not true is not signed. ssh-keygen asks for a passphrase itself, on
    the terminal. Publish the public key where people trust it; they check with noldo manifest verify --key.

    Example:  noldo manifest sign runs/demo --key ~/.ssh/id_ed25519
    """
    from pipeline.manifest.checksums import CHECKSUMS_FILE, SIGNATURE_FILE, verify_checksums
    from pipeline.manifest.signature import sign
    from pipeline.schema.errors import NoldoError
    from pipeline.schema.layout import RunLayout

    run = RunLayout(directory)
    if not unread:
        report = verify_checksums(run)
        if not report.ok:
            raise NoldoError(
                f"{directory} is not what {run.manifest.name}/{CHECKSUMS_FILE} says: {_wrong(report)}; nothing was "
                f"signed. Restore it (noldo manifest repair) or write the manifest again"
            )
    made = sign(directory, key)
    written = f"{run.manifest.name}/{SIGNATURE_FILE}"
    plain = {"signature": written, "key_type": made.key_type, "fingerprint": made.fingerprint, "read": not unread}
    show([f"{made.fingerprint}  {made.key_type} key", f"{directory}/{written}"], plain, as_json=as_json)


def _wrong(report: "ChecksumReport") -> str:
    """The first file that is not as listed, and how many more."""
    named = [
        *(f"{name} is missing" for name in report.missing),
        *(f"{name} has changed" for name in report.changed),
        *(f"{name} is not listed" for name in report.unlisted),
    ]
    more = f", and {len(named) - 1} more" if len(named) > 1 else ""
    return f"{named[0]}{more}"
