"""What one check found, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    NOTE = "note"
    """Something is not there that only some uses need."""
    PROBLEM = "problem"
    """Nothing works without this, or what was asked about does not work."""


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    check: str
    """What was looked at, a word or two."""
    health: Health
    found: str
    """What is there, one line."""
    advice: str = ""
    """What to do, one line; empty where there is nothing to do."""
