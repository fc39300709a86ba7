"""Repair a published data set, file by file: what is right is not touched, and nothing is ever half written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.manifest.repair.listing import listing_to_believe
from pipeline.manifest.repair.mending import Mending, RepairSource
from pipeline.manifest.repair.outcome import RepairReport
from pipeline.manifest.verify.finding import Finding
from pipeline.schema.paths import AnyPath

Verify = Callable[[AnyPath], Sequence[Finding]]
"""Everything that does not hold in the data set at a path."""


@dataclass(frozen=True)
class RepairOptions:
    """How a repair goes about it."""

    dry_run: bool = False
    """Read, and say what would be done; write nothing."""
    remove_unlisted: bool = False
    """Remove published files that are not in the list, instead of telling of them only."""


REPAIR: Final = RepairOptions()


def repair(
    root: AnyPath,
    source: RepairSource,
    verify: Verify,
    options: RepairOptions = REPAIR,
    on_file: Callable[[int, int], None] = lambda _done, _total: None,
) -> RepairReport:
    """Put right what `verify` finds wrong in the data set at `root`, and verify it again.

    A file whose listed checksum the source's has is copied; of a shard whose file the source does not have like that,
    the bad rows alone come from it and the shard is written anew. `on_file` is told (done, total) of the arrays'
    files. A killed repair leaves every file as it was or whole, and goes on when it is run again. Raises NoldoError
    where there is no list of checksums to go by.
    """
    found = tuple(verify(root))
    if not found:
        return _report(root, source, options, found, None, (), ())
    work = Mending(root, source, listing_to_believe(root, source.copy), options.dry_run)

    def look() -> tuple[Finding, ...]:
        return tuple(verify(root)) if work.mended and not options.dry_run else found

    # What rests on the list, the tables or an array's metadata could not be checked before these were right.
    work.mend_listing()
    work.mend_described(look())
    seen = look()
    work.mend_values(seen, on_file)
    work.mend_signature()
    unlisted = work.unlisted(seen)
    if options.remove_unlisted:
        work.remove(unlisted)
        unlisted = ()
    return _report(root, source, options, found, work, unlisted, look())


def _report(
    root: AnyPath,
    source: RepairSource,
    options: RepairOptions,
    found: tuple[Finding, ...],
    work: Mending | None,
    unlisted: tuple[str, ...],
    after: tuple[Finding, ...],
) -> RepairReport:
    return RepairReport(
        root=str(root),
        source=source.name,
        dry_run=options.dry_run,
        found=found,
        mended=() if work is None else tuple(work.mended),
        lost=() if work is None else tuple(work.lost),
        unlisted=unlisted,
        remaining=after,
    )
