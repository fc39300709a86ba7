"""The tables of transfer runs as `noldo report` makes them; reaches training only when called."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.cli.output import show
from pipeline.schema.errors import UsageError


def make_tables(
    folders: Sequence[Path],
    out: Path | None,
    against: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    *,
    as_json: bool,
) -> None:
    """Write the tables of all transfer runs below the folders into `out`, or into tables/ of the first one, and say so.

    UsageError where a folder holds neither a build nor transfer runs.
    """
    from training.tables import Pairing, holds_transfer_runs, write_tables

    for folder in folders:
        if not holds_transfer_runs(folder):
            raise UsageError(
                f"{folder} holds neither the run of a build nor transfer runs;\n"
                "name the folder that was given to 'noldo build --out' or to 'noldo transfer --out', or one above that"
            )
    made = write_tables(folders, out or folders[0] / "tables", Pairing(tuple(against), tuple(pairs)))
    count = len(made.found.runs)
    lines = [f"{count} transfer run{'' if count == 1 else 's'}, {len(made.tables)} tables"]
    show(
        [*lines, *(f"Note: {notice}" for notice in made.notices), *map(str, made.files)],
        made.as_json(),
        as_json=as_json,
    )
