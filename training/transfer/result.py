"""What a transfer run returns."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TransferResult:
    """A finished run."""

    folder: Path
    result: dict[str, Any]
    """The content of result.json."""
    reused: bool
    """True where the run was there already and nothing was done."""
