"""JSON objects in files of their own, written whole or not at all."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.schema.errors import NoldoError


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object whole, under another name first."""
    write_whole(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file under another name, to the disk, then rename it over the old one."""
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        with temporary.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; NoldoError names a file that is none."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise NoldoError(f"{path} cannot be read ({error}); delete its folder and run again") from error
    if not isinstance(content, dict):
        raise NoldoError(f"{path} holds no JSON object; delete its folder and run again")
    return content
