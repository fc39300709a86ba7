"""A folder of files that is written aside and appears whole."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.schema.errors import UsageError


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Give a folder to write into, which becomes `out` at the end; UsageError where `out` holds something already."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty; remove it, or name a new folder")
    building = out.with_name(f"{out.name}.tmp-written")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    yield building
    if out.exists():
        out.rmdir()
    building.rename(out)
