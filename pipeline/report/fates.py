"""What became of every sampled location, and in which words."""

from collections.abc import Mapping
from typing import Final

from pipeline.funnel import export_reason
from pipeline.report.gather import RunRecord

KEPT: Final = "kept"
UNFINISHED: Final = "not finished"


def fates(run: RunRecord) -> dict[str, str]:
    """What became of every location: 'kept', the reason that the funnel counts, or 'not finished' before the end."""
    fate = {location.location_id: UNFINISHED for location in run.locations}
    fate |= {v.location_id: v.reason for v in run.verdicts if not v.kept}
    fate |= {e.location_id: export_reason(e.failure_kind) for e in run.exports if e.failure_kind}
    fate |= {q.location_id: q.reason for q in run.quality if not q.kept}
    kept = run.stored_ids or {q.location_id for q in run.quality if q.kept}
    return {place: KEPT if place in kept else reason for place, reason in fate.items()}


def details(run: RunRecord) -> Mapping[str, str]:
    """Of the locations that went, the words of the filter that they failed last."""
    matched = {verdict.location_id: verdict.detail for verdict in run.verdicts if not verdict.kept}
    exported = {record.location_id: record.failure_message for record in run.exports if record.failure_kind}
    return matched | exported | {quality.location_id: quality.detail for quality in run.quality if not quality.kept}
