"""What a repair did, and what it could not do."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pipeline.manifest.verify.finding import Finding, things

TOLD: Final = 10
"""Remaining findings that are told one by one; all of them are in the JSON."""

Action = Literal["copied", "rebuilt", "removed"]


@dataclass(frozen=True)
class Mended:
    """One file that was put right, or would be in a dry run."""

    path: str
    """Relative to the data set's folder."""
    action: Action
    """Copied whole; rebuilt from rows; removed because it is not listed."""
    rows: tuple[int, ...] = ()
    """Of a rebuilt shard, the rows that came from the source; the others were good."""


@dataclass(frozen=True)
class Lost:
    """One file that could not be put right."""

    path: str
    why: str
    """One line."""
    rows: Mapping[int, str] = dataclasses.field(default_factory=dict)
    """Of a shard, the rows that could not be had, and why."""


@dataclass(frozen=True)
class RepairReport:
    """The whole of a repair."""

    root: str
    source: str
    dry_run: bool
    found: tuple[Finding, ...]
    """What did not hold before."""
    mended: tuple[Mended, ...]
    lost: tuple[Lost, ...]
    unlisted: tuple[str, ...]
    """Files that are not in the list, and stay."""
    remaining: tuple[Finding, ...]
    """What does not hold afterwards; of a dry run, what did not before."""

    @property
    def ok(self) -> bool:
        """Whether the data set now is what its manifest says."""
        return not self.remaining

    def lines(self) -> list[str]:
        """For a person: what was done, what could not be, and whether all holds."""
        words = {"copied": "copied", "rebuilt": "written anew", "removed": "removed"}
        told = [f"{words[one.action]:<13} {one.path}{_rows(one.rows)}" for one in self.mended]
        told += [f"{'not repaired':<13} {one.path}: {one.why}" for one in self.lost]
        told += [f"{'not listed':<13} {path}; --remove-unlisted removes it" for path in self.unlisted]
        return [*told, *self._verdict()]

    def _verdict(self) -> list[str]:
        if not self.found:
            return [f"{self.root}: all holds, nothing to repair"]
        if self.dry_run:
            return [f"{self.root}: {things(len(self.found))} not hold; nothing was written"]
        if self.ok:
            return [f"{self.root}: all holds now"]
        rest = [f"{'':<4}{one.where}: {one.what}" for one in self.remaining[:TOLD]]
        more = [f"{'':<4}... and {len(self.remaining) - TOLD} more"] if len(self.remaining) > TOLD else []
        return [f"{self.root}: after the repair {things(len(self.remaining))} not hold; try another copy", *rest, *more]

    def as_json(self) -> dict[str, Any]:
        """Plain data for --json."""
        return {**dataclasses.asdict(self), "ok": self.ok}


def _rows(rows: tuple[int, ...]) -> str:
    if not rows:
        return ""
    few = ", ".join(map(str, rows[:TOLD])) + ("" if len(rows) <= TOLD else f" and {len(rows) - TOLD} more")
    return f" with row{'s' if len(rows) > 1 else ''} {few} of the source"
