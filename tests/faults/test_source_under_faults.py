"""The real client against an emulator that misbehaves: the same records and pixels as from one that does not."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import requests

from pipeline.emulator.faults import TRANSIENT_KINDS, parse_faults
from pipeline.emulator.limits import MemoryLimit
from pipeline.export import ExportSettings, export_part
from pipeline.match import match_part
from pipeline.schema.bands import S1_NODATA, S2_BANDS
from pipeline.schema.grid import patch_grid
from pipeline.schema.records import Attempt, ExportRecord, Location, Patch, SeasonMatch, Verdict
from pipeline.season_windows import SeasonSettings
from pipeline.seasons import filter_seasons
from pipeline.sources.earthengine import EarthEngineSource, EarthEngineSpec, emulator_spec
from pipeline.sources.pace import own_link
from pipeline.sources.retry import RetryPolicy

SEED = 7
"""Of the faults."""
FAULTS = ",".join(f"{kind}:0.07" for kind in TRANSIENT_KINDS)
SIZE = 66
PLACES = [(2.35, 48.85), (-58.4, -34.6), (11.98, 45.4), (18.42, -33.92), (-99.1, 19.4), (31.2, 30.05)]


QUICK = RetryPolicy(attempts=10, base_s=0.01, cap_s=0.2, quota_factor=2.0)


def soon(url: str) -> EarthEngineSpec:
    """An emulator's specification, with pauses that are over soon."""
    return replace(emulator_spec(url), retry=QUICK)


def locations(count: int) -> list[Location]:
    chosen = [
        (lon + 0.3 * (i // len(PLACES)), lat) for i, (lon, lat) in ((i, PLACES[i % len(PLACES)]) for i in range(count))
    ]
    return [Location(f"p{i}", lon, lat, patch_grid(lon, lat, SIZE)) for i, (lon, lat) in enumerate(chosen)]


@dataclass(frozen=True)
class Exported:
    """A part's records, and the patches that arrived, in order."""

    records: tuple[ExportRecord, ...]
    patches: list[Patch]


def export(
    places: list[Location], matches: list[SeasonMatch], verdicts: list[Verdict], settings: ExportSettings,
    source: EarthEngineSource,
) -> Exported:  # fmt: skip
    kept = [place for place, verdict in zip(places, verdicts, strict=True) if verdict.kept]
    patches: dict[int, Patch] = {}
    records = export_part(kept, matches, settings, source, settled={}, keep=patches.__setitem__)
    return Exported(records, [patches[row] for row in sorted(patches)])


def build(url: str, count: int, records: list[Attempt]) -> tuple[list[SeasonMatch], list[Verdict], Exported]:
    places = locations(count)
    source = EarthEngineSource(soon(url), "test", own_link(records.append))
    matches = match_part(places, SeasonSettings(), source)
    verdicts = filter_seasons(places, matches)
    return matches, verdicts, export(places, matches, verdicts, ExportSettings(), source)


@pytest.fixture(scope="module")
def calm(small_planet_url: str) -> str:
    return small_planet_url


@pytest.fixture(scope="module")
def rough(serve_small_planet: Callable[..., Any]) -> Iterator[str]:
    with serve_small_planet(faults=parse_faults(FAULTS), fault_seed=SEED) as server:
        yield server.url


def test_faults_change_no_result(calm: str, rough: str) -> None:
    quiet: list[Attempt] = []
    noisy: list[Attempt] = []
    matches, verdicts, part = build(calm, 18, quiet)
    assert build(rough, 18, noisy)[:2] == (matches, verdicts)
    again = build(rough, 18, noisy)[2]
    assert again.records == part.records
    assert len(part.patches) >= 4
    for one, other in zip(part.patches, again.patches, strict=True):
        np.testing.assert_array_equal(one.s2, other.s2)
        np.testing.assert_array_equal(one.s1, other.s1)
        np.testing.assert_array_equal(one.dw, other.dw)
    for _ in range(6):
        counts = requests.get(f"{rough}/diagnostics/counts", timeout=30).json()
        if counts["truncated_unnoticed"] and set(counts["faults"]) == set(TRANSIENT_KINDS):
            break
        build(rough, 6, noisy)
    assert set(counts["faults"]) == set(TRANSIENT_KINDS)
    assert sum(counts["truncated_unnoticed"].values()) >= 1, "only the content can tell that these are cut"
    assert {record.kind for record in quiet} == {"ok"}
    assert {record.kind for record in noisy} >= {"ok", "transient"}


def test_a_part_takes_one_request_to_match_and_one_a_location_to_export(calm: str) -> None:
    records: list[Attempt] = []
    _, verdicts, _ = build(calm, 8, records)
    requests = [record for record in records if record.location_id]
    kept = sum(verdict.kept for verdict in verdicts)
    assert len(requests) - kept in (1, 2), "one question, or two where seasons were empty"


def test_scenes_qualify_by_cloud_window_and_polarisation(calm: str) -> None:
    matches, _, _ = build(calm, 12, [])
    found = [match for match in matches if match.s2_id is not None]
    assert found
    for match in found:
        assert match.s2_id is not None
        assert match.s2_time is not None
        assert match.s2_cloud_pct is not None
        assert 0 <= match.s2_cloud_pct < 20
        assert match.s2_tile is not None
        assert match.s2_tile in match.s2_id
        assert match.s2_time.strftime("%Y%m%d") in match.s2_id
        if match.dw_id is not None:
            assert match.dw_id.rpartition("/")[2] == match.s2_id.rpartition("/")[2]


def test_pixels_are_plausible_and_the_unlabelled_are_never_class_0(calm: str) -> None:
    _, _, part = build(calm, 12, [])
    assert part.patches
    labels = np.stack([patch.dw for patch in part.patches])
    assert set(np.unique(labels)) <= {*range(9), 255}
    radar = np.stack([patch.s1 for patch in part.patches])
    assert -30 < np.median(radar[radar != S1_NODATA]) < 0
    optical = np.stack([patch.s2 for patch in part.patches])
    assert (optical[:, :, S2_BANDS.index("B4")] > 0).mean() > 0.9


def test_many_threads_get_their_own_pixels(calm: str) -> None:
    matches, verdicts, part = build(calm, 12, [])
    source = EarthEngineSource(emulator_spec(calm), "test")
    places = locations(12)

    def alone(_: int) -> Exported:
        return export(places, matches, verdicts, ExportSettings(concurrency=4), source)

    with ThreadPoolExecutor(3) as pool:
        for other in pool.map(alone, range(3)):
            assert other.records == part.records
            for one, two in zip(part.patches, other.patches, strict=True):
                np.testing.assert_array_equal(one.s2, two.s2)
                np.testing.assert_array_equal(one.dw, two.dw)


def kept_at(url: str, count: int) -> tuple[list[Location], list[SeasonMatch], list[Verdict]]:
    """The first locations of which all four seasons are complete."""
    places = locations(18)
    matches = match_part(places, SeasonSettings(), EarthEngineSource(emulator_spec(url), "match"))
    verdicts = filter_seasons(places, matches)
    chosen = {verdict.location_id for verdict in [v for v in verdicts if v.kept][:count]}
    kept = [place for place in places if place.location_id in chosen]
    return kept, [m for m in matches if m.location_id in chosen], [v for v in verdicts if v.location_id in chosen]


def same_pixels(one: Patch, other: Patch) -> bool:
    return all(
        np.array_equal(a, b) and a.dtype == b.dtype
        for a, b in ((getattr(one, name), getattr(other, name)) for name in ("s2", "s1", "dw", "dw_prob"))
    )


@pytest.mark.parametrize(("bands", "requests_each"), [(40, 7), (9, 31)])
def test_a_service_that_is_short_of_memory_gives_the_same_pixels_in_pieces(
    calm: str, bands: int, requests_each: int, serve_small_planet: Callable[..., Any]
) -> None:
    kept = kept_at(calm, 2)
    settings = ExportSettings(dw_probabilities=True)
    whole = export(*kept, settings, EarthEngineSource(emulator_spec(calm), "test"))
    attempts: list[Attempt] = []
    with serve_small_planet(memory=MemoryLimit(bands)) as server:
        source = EarthEngineSource(emulator_spec(server.url), "test", own_link(attempts.append))
        pieces = export(*kept, settings, source)
    assert pieces.records == whole.records
    assert len(whole.patches) == 2
    assert all(same_pixels(one, other) for one, other in zip(whole.patches, pieces.patches, strict=True))
    assert sum(bool(attempt.location_id) for attempt in attempts) == 2 * requests_each, "every piece is counted"
    ended = {attempt.kind for attempt in attempts}
    assert ended == {"ok", "permanent"}


def test_a_request_that_fails_now_and_then_for_want_of_memory_is_the_same_in_the_end(
    calm: str, serve_small_planet: Callable[..., Any]
) -> None:
    kept = kept_at(calm, 4)
    whole = export(*kept, ExportSettings(), EarthEngineSource(emulator_spec(calm), "test"))
    with serve_small_planet(faults=parse_faults("memory:0.3,truncate:0.1"), fault_seed=SEED) as server:
        pieces = export(*kept, ExportSettings(), EarthEngineSource(emulator_spec(server.url), "test"))
        counts = server.traffic.counts()
    assert counts["faults"]["memory"] >= 1
    assert pieces.records == whole.records
    for one, other in zip(whole.patches, pieces.patches, strict=True):
        np.testing.assert_array_equal(one.s2, other.s2)
        np.testing.assert_array_equal(one.s1, other.s1)
        np.testing.assert_array_equal(one.dw, other.dw)
