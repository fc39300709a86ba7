"""The four-season filter: a location stays where all four seasons have S2, its label and S1."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from pipeline.funnel import NO_LABEL, NO_SCENES
from pipeline.schema.records import N_SEASONS, Lack, Location, SeasonMatch, Verdict

REASONS: Final = {
    "scenes": NO_SCENES,
    "S2": "no S2 scene",
    "DW": NO_LABEL,
    "S1": "no S1 scene",
}
"""Reason by what a season lacks (SeasonMatch.lacking); a location bears the first of these that any season has."""


def filter_seasons(locations: Sequence[Location], matches: Sequence[SeasonMatch]) -> list[Verdict]:
    """One verdict a location, in order (SSL4EO-S12@NoL: 'all four S1-S2 pairs have a Dynamic World label').

    Raises ValueError where a location does not have exactly the seasons 0..3.
    """
    seasons: dict[str, dict[int, SeasonMatch]] = defaultdict(dict)
    for match in matches:
        seasons[match.location_id][match.season] = match
    return [_verdict(location.location_id, seasons[location.location_id]) for location in locations]


def _verdict(location_id: str, seasons: dict[int, SeasonMatch]) -> Verdict:
    if sorted(seasons) != list(range(N_SEASONS)):
        raise ValueError(f"location {location_id} has matches for seasons {sorted(seasons)}, expected 0..3")
    lacking = tuple(Lack(season, REASONS[what]) for season in range(N_SEASONS) for what in seasons[season].lacking)
    parts = []
    for reason in REASONS.values():
        where = [str(lack.season) for lack in lacking if lack.what == reason]
        if where:
            parts.append((reason, f"season{'s' if len(where) > 1 else ''} {', '.join(where)}: {reason}"))
    if not parts:
        return Verdict(location_id, kept=True, reason="", detail="")
    detail = "; ".join(detail for _, detail in parts)
    message = seasons[0].failure_message
    return Verdict(
        location_id,
        kept=False,
        reason=parts[0][0],
        detail=f"{detail} ({message})" if message else detail,
        lacking=lacking,
    )
