"""Figures that must agree because two parts of a run tell the same thing."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.report.gather import RunRecord
from pipeline.report.label_counts import LabelCounts
from pipeline.report.words import count


@dataclass(frozen=True)
class Agreement:
    """One thing told twice."""

    what: str
    first: str
    """(where it is told, and the figure) in words, like the next."""
    second: str
    agrees: bool


def agreements(run: RunRecord, counts: LabelCounts | None) -> tuple[Agreement, ...]:
    """What can be compared of this run; empty for one that has not come so far."""
    return tuple(_compared(run, counts))


def _compared(run: RunRecord, counts: LabelCounts | None) -> Iterator[Agreement]:
    stored, kept = len(run.stored_ids), sum(record.kept for record in run.quality)
    if stored and run.quality:
        yield Agreement("Locations", f"quality keeps {count(kept)}", f"the index has {count(stored)}", kept == stored)
    if stored and counts is not None:
        rows = counts.rows_in_store
        yield Agreement("Rows", f"the index has {count(stored)}", f"the store has {count(rows)}", rows == stored)
    manifest = manifest_labels(run)
    if manifest is not None and counts is not None and counts.rows_counted == counts.rows_in_store:
        counted = [[*labels, without] for labels, without in zip(counts.labels, counts.unlabelled, strict=True)]
        ours, theirs = ([[int(n) for n in season] for season in found] for found in (counted, manifest))
        total, told = (sum(sum(season[:-1]) for season in found) for found in (ours, theirs))
        yield Agreement(
            "Labelled pixels, by season and class",
            f"counted in the store {count(total)}",
            f"manifest/statistics.json {count(told)}",
            ours == theirs,
        )


def manifest_labels(run: RunRecord) -> list[list[int]] | None:
    """Pixels (seasons, classes and last no label) as the manifest tells them, all splits together; None without."""
    by_split = run.statistics.get("label_pixels_per_season")
    if not isinstance(by_split, dict) or not by_split:
        return None
    seasons = zip(*by_split.values(), strict=True)
    return [[sum(pixels) for pixels in zip(*splits, strict=True)] for splits in seasons]
