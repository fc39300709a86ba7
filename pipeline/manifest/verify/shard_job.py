"""One shard that is to be checked, and what was found in something that was."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.manifest.verify.expected import ExpectedRows
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.shard_layout import ShardLayout


@dataclass
class Checked:
    """What was found in one file, or one block of rows."""

    findings: list[Finding] = field(default_factory=list)
    bytes: int = 0
    """Of files, as stored."""
    rows: int = 0
    """Rows of arrays whose content was compared."""

    def add(self, other: "Checked") -> None:
        """Add what was found elsewhere."""
        self.findings += other.findings
        self.bytes += other.bytes
        self.rows += other.rows


@dataclass(frozen=True)
class ShardJob:
    """One shard to check."""

    rows: ExpectedRows
    layout: ShardLayout
    shard: int
    sha256: str | None
    """Published, in hexadecimal; None where the file is not to be compared."""

    @property
    def path(self) -> str:
        """Of the file, relative to the data set's folder."""
        return f"{self.rows.path}/{self.layout.file(self.shard)}"


def lost_rows(job: ShardJob, why: str) -> Iterator[Finding]:
    """A finding a row of a shard that cannot be read at all."""
    for row in job.layout.rows_of(job.shard):
        yield job.rows.finding("content", row, f"cannot be read: {why}", path=job.path)
