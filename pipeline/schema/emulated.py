"""What tells files that the emulator wrote in a published layout from the published ones."""

from collections.abc import Mapping
from typing import Any, Final

EMULATED_MARK: Final = "EMULATED.txt"
"""A file of this name at the top of a folder says that its content shows no place on Earth, and names its planet."""


def is_emulated(source: Mapping[str, Any]) -> bool:
    """Whether a recipe's source is the emulator, or files that the emulator wrote."""
    return source.get("kind") == "emulator" or bool(source.get("emulated", False))
