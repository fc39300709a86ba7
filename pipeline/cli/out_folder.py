"""The folder that a training command writes to: never a build's own, whose recipe and log it would replace."""

from pathlib import Path

from pipeline.schema.errors import UsageError
from pipeline.schema.layout import RunLayout


def require_no_build(out: Path, command: str) -> None:
    """Raise UsageError where `out` holds a build; `command` names the folder that is proposed."""
    if RunLayout(out).events.exists():
        raise UsageError(f"{out} holds a build; give --out a folder of its own, for example {out}-{command}")
