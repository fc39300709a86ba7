"""The log of a run, one JSON object an epoch, kept in step with the checkpoint."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.schema.errors import NoldoError
from training.json_file import write_whole


def append_log(path: Path, line: Mapping[str, Any]) -> None:
    """Add an epoch to the log, and see it to the disk, so that no checkpoint is ahead of it."""
    with path.open("a") as log:
        log.write(json.dumps(line, allow_nan=False) + "\n")
        log.flush()
        os.fsync(log.fileno())


def read_log(path: Path, done: int) -> list[dict[str, Any]]:
    """The log's lines of epochs 1..`done`, in order; what is later, or was cut off with its run, is left out.

    Raises NoldoError where these epochs are not there, each once and in order.
    """
    try:
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    except OSError as error:
        raise NoldoError(f"{path} cannot be read ({error.strerror}); restore it, or your right to read it") from error
    kept = [line for text in lines if (line := _parsed(text)) is not None and 1 <= line["epoch"] <= done]
    if [line["epoch"] for line in kept] != list(range(1, done + 1)):
        raise NoldoError(
            f"{path} does not hold the epochs 1 to {done}, each once, that its run has behind it; "
            f"delete {path.parent} and run again"
        )
    return kept


def keep_log(path: Path, done: int) -> None:
    """Cut the log back to the epochs 1..`done` that the checkpoint holds; errors as read_log."""
    write_whole(path, "".join(json.dumps(line) + "\n" for line in read_log(path, done)))


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and isinstance(line.get("epoch"), int) else None
