"""What a verification found, for a person and for a program."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from pipeline.manifest.verify.finding import ADVICE, CHECKS, Check, Finding, things

LINES: Final = 10
"""Findings of one check that are told, unless more are asked for."""


@dataclass(frozen=True)
class VerifyReport:
    """Whether a data set is what its manifest says."""

    root: str
    findings: tuple[Finding, ...]
    """In the order of the checks; none where all holds."""
    files: int
    """Read."""
    bytes: int
    """Of these files, as stored."""
    rows: int
    """Rows of arrays that were decoded and compared."""
    seconds: float
    skipped: Mapping[Check, tuple[str, ...]]
    """What of a check was not looked at, and why."""
    signature: str
    """Who signed, in one line."""

    @property
    def ok(self) -> bool:
        """Whether all holds that was looked at."""
        return not self.findings

    @property
    def counts(self) -> dict[Check, int]:
        """Findings of every check, in the order of the report."""
        counted = Counter(finding.check for finding in self.findings)
        return {check: counted[check] for check in CHECKS}

    def lines(self, limit: int | None = LINES) -> list[str]:
        """A line a check, its first findings below it, and what was read; `limit` None tells all findings."""
        told = [line for check in CHECKS for line in self._check_lines(check, limit)]
        speed = self.bytes / self.seconds / 1e6 if self.seconds else 0.0
        read = f"read {self.files} files, {self.bytes / 1e6:.0f} MB, {self.rows} rows of arrays in {self.seconds:.1f} s"
        verdict = "all holds" if self.ok else f"{things(len(self.findings))} not hold"
        partly = " of what was looked at" if self.ok and self.skipped else ""
        return [*told, f"{read} ({speed:.0f} MB/s)", f"{self.root}: {verdict}{partly}", *self._advice()]

    def _advice(self) -> Iterator[str]:
        """What to do about what was found, a line for all checks for which it is the same."""
        checks: dict[str, list[str]] = {}
        for check in (check for check, count in self.counts.items() if count):
            checks.setdefault(ADVICE[check], []).append(check)
        for advice, found in checks.items():
            yield f"    -> {', '.join(found)}: {advice.format(root=self.root)}"

    def _check_lines(self, check: Check, limit: int | None) -> Iterator[str]:
        found = [finding for finding in self.findings if finding.check == check]
        skipped = self.skipped.get(check, ())
        verdict = f"{len(found)} FOUND" if found else ("in part" if skipped else "holds")
        if check == "signature" and not found and self.signature.startswith("not "):
            verdict = "unknown"
        yield f"{check:<11} {verdict:<9} {CHECKS[check]}"
        for finding in found[:limit]:
            yield f"    {finding.where}: {finding.what}"
        if limit is not None and len(found) > limit:
            yield f"    ... and {len(found) - limit} more"
        yield from (f"    not looked at: {reason}" for reason in skipped)
        if check == "signature":
            yield f"    {self.signature}"

    def as_json(self) -> dict[str, Any]:
        """Plain data, all findings included."""
        return {
            "root": self.root,
            "ok": self.ok,
            "counts": self.counts,
            "findings": [asdict(finding) for finding in self.findings],
            "skipped": {check: list(reasons) for check, reasons in self.skipped.items()},
            "signature": self.signature,
            "files": self.files,
            "bytes": self.bytes,
            "rows": self.rows,
            "seconds": self.seconds,
        }
