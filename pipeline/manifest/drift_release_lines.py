"""In lines for a person: which rows differ by their digests, at which locations, and how the two were made."""

import json
from collections.abc import Iterator
from typing import Any, Final

from pipeline.manifest.drift import Drift
from pipeline.manifest.drift_facts import SECTIONS, FactChange
from pipeline.manifest.drift_index import first_few
from pipeline.manifest.drift_locations import LocationDrift
from pipeline.manifest.drift_rows import RowDrift

LOCATIONS: Final = 5
"""Locations told one by one; all of them are in the JSON."""
FACTS: Final = 20
"""Keys of one section told one by one."""
VALUE_CHARACTERS: Final = 60


def baseline_lines(drift: Drift) -> Iterator[str]:
    """A line a season in which the processing baselines differ."""
    for season in drift.seasons:
        if season.baselines_other:
            told = ", ".join(f"{many:,} {ours} -> {theirs}" for ours, theirs, many in season.baseline_changes)
            of = season.baselines_same + season.baselines_other
            yield f"baselines  season {season.season}: {season.baselines_other:,} of {of:,} differ: {told}"


def column_lines(drift: Drift) -> Iterator[str]:
    """A line a column of the index that says something else, with the first place where it does."""
    for one in drift.columns:
        if one.other:
            location_id, season, ours, published = one.examples[0]
            first = f"the first {location_id}, season {season}: {ours} -> {published}"
            yield f"index      {one.column}: {one.other:,} of {one.same + one.other:,} differ, {first}"


def row_lines(drift: Drift) -> Iterator[str]:
    """A line an array of what the digests of the rows say."""
    if drift.rows is None:
        return
    for one in drift.rows:
        yield f"digests    {_row_words(one)}"


def _row_words(one: RowDrift) -> str:
    known = one.same + len(one.changed)
    if not known:
        words = f"{one.array}: no rows to compare"
    elif one.changed:
        words = f"{one.array}: {len(one.changed):,} of {known:,} locations differ: {first_few(one.changed)}"
    else:
        words = f"{one.array}: all {known:,} locations the same"
    words += f"; {one.moved:,} only moved to another row" if one.moved else ""
    words += f"; {len(one.unknown):,} without a digest" if one.unknown else ""
    words += f"; {one.only_ours:,} ours only" if one.only_ours else ""
    return words + (f"; {one.only_published:,} published only" if one.only_published else "")


def location_lines(drift: Drift) -> Iterator[str]:
    """Some of the shared locations at which something differs."""
    if not drift.locations:
        return
    yield f"locations  {len(drift.locations):,} of {drift.ids.shared:,} shared ones differ"
    for one in drift.locations[:LOCATIONS]:
        yield f"           {one.location_id}: {'; '.join(_location_words(one))}"
    more = len(drift.locations) - LOCATIONS
    if more > 0:
        yield f"           and {more:,} more, all of them with --json"


def _location_words(one: LocationDrift) -> Iterator[str]:
    if one.scenes:
        yield "scene " + ", ".join(f"{change.season} {change.sensor}" for change in one.scenes)
    if one.baselines:
        yield "baseline " + ", ".join(f"{season} {ours} -> {theirs}" for season, ours, theirs in one.baselines)
    if one.grids:
        yield f"ground of season {', '.join(map(str, one.grids))}"
    for change in one.arrays:
        shares = ", ".join(f"season {season} {100 * share:.4g} % of pixels" for season, share in change.seasons)
        yield f"{change.array} {shares}".rstrip()


def fact_lines(drift: Drift) -> Iterator[str]:
    """A line a key that the manifests state differently, and one for the content digests."""
    for section in SECTIONS:
        facts = [fact for fact in drift.facts if fact.section == section]
        yield from (f"{section:<10} {fact.key}: {_fact_words(fact)}" for fact in facts[:FACTS])
        if len(facts) > FACTS:
            yield f"{'':<10} and {len(facts) - FACTS} more, all of them with --json"
    ours, published = drift.content
    if ours and published:
        yield f"content    the same, {ours}" if ours == published else f"content    {ours} -> {published}"


def _fact_words(fact: FactChange) -> str:
    if fact.kind == "changed":
        return f"{_value(fact.ours)} -> {_value(fact.published)}"
    added = fact.kind == "added"
    return f"published only, {_value(fact.published)}" if added else f"ours only, {_value(fact.ours)}"


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= VALUE_CHARACTERS else f"{text[: VALUE_CHARACTERS - 3]}..."
