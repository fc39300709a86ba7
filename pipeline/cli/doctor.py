"""`noldo doctor`: whether this machine is ready, and what to do where it is not."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pipeline.cli.directory import RUN_DIRECTORY, run_directory
from pipeline.cli.output import JSON_HELP, show
from pipeline.schema.paths import AnyPath

if TYPE_CHECKING:
    from pipeline.doctor import Finding

COLUMN = 16
"""Where findings begin, after the name of the check."""


@click.command()
@click.option(
    "--project", help="Google Cloud project that pays; with it Earth Engine is asked for scenes of one place."
)
@click.option("--url", help="End point of Earth Engine or of a running emulator; by default that of recipes.")
@click.option("--out", type=RUN_DIRECTORY, help="Where a data set is to be written: try it, also at s3:// and gs://.")
@click.option("--store", type=RUN_DIRECTORY, help="A run directory or a .zarr store that is to be read: try it.")
@click.option("--port", type=click.IntRange(1, 65535), default=8090, show_default=True, help="Of the emulator.")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def doctor(
    project: str | None, url: str | None, out: AnyPath | None, store: AnyPath | None, port: int, as_json: bool
) -> int:
    """Check this machine: Python, packages, GPU, memory, disk, credentials, Earth Engine, object storage.

    Each line is ok, a note (only some uses need it) or a problem, and what to do follows an arrow. Exits with 1 where
    there is a problem. Nothing is sent to Earth Engine without --project or --url, nothing to object storage without
    a URL in --out or --store, and nothing is left behind.

    Example:  noldo doctor

    Example:  noldo doctor --project my-project --out s3://bucket/runs/nol
    """
    from pipeline.doctor import Health
    from pipeline.doctor.packages import versions

    found = []
    for finding in _findings(project, url, out, store, port):
        found.append(finding)
        if not as_json:
            _tell(finding)
    problems = sum(finding.health is Health.PROBLEM for finding in found)
    notes = sum(finding.health is Health.NOTE for finding in found)
    lines = ["", f"{_counted(problems, 'problem')}, {_counted(notes, 'note')}"]
    plain = {"ok": problems == 0, "findings": [asdict(each) for each in found], "versions": versions()}
    show(lines, plain, as_json=as_json)
    return 1 if problems else 0


def _findings(
    project: str | None, url: str | None, out: AnyPath | None, store: AnyPath | None, port: int
) -> "Iterator[Finding]":
    """Each as soon as it is made: some take seconds."""
    from pipeline.doctor import earth_engine, folders, machine, packages, torch_here
    from pipeline.doctor import port as ports
    from pipeline.emulator.process import planet_of
    from pipeline.files import is_local
    from pipeline.recipe import HIGH_VOLUME_URL
    from pipeline.sources.earthengine import is_loopback

    yield packages.check_python()
    yield packages.check_packages()
    yield from torch_here.check_torch()
    yield machine.check_cores()
    yield machine.check_memory()
    if out is None or is_local(out):
        yield folders.check_out(out or run_directory("runs"))
        yield folders.check_object_storage()
    else:
        yield folders.check_out(out)
    if store is not None:
        yield from folders.check_store(store)
    address = url or HIGH_VOLUME_URL
    usable = True
    if not is_loopback(address):
        credentials = earth_engine.check_credentials(wanted=project is not None)
        usable = not credentials.advice
        yield credentials
    if usable or project is None:
        yield earth_engine.check_call(address, project)
    yield ports.check_port(port, planet_of)
    yield machine.check_ssh_keygen()


def _tell(finding: "Finding") -> None:
    colour = {"ok": "green", "note": "yellow", "problem": "red"}[finding.health]
    health = click.style(f"{finding.health:<8}", fg=colour)
    click.echo(f"{health}{finding.check:<{COLUMN}}{finding.found}")
    if finding.advice:
        click.echo(f"{'':<{8 + COLUMN}}-> {finding.advice}")


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"
