from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema.grid import patch_grid
from pipeline.schema.records import Lack, Location, SeasonMatch
from pipeline.seasons import filter_seasons

NOW = datetime(2021, 6, 21, tzinfo=UTC)
LACKS = st.sampled_from(["", "S2", "DW", "S1"])


def place(name: str) -> Location:
    return Location(name, 10.0, 48.0, patch_grid(10.0, 48.0))


def season(name: str, number: int, lacks: str = "") -> SeasonMatch:
    s2 = None if lacks == "S2" else "s2"
    s1 = None if lacks in ("S2", "S1") else "s1"
    dw = None if lacks in ("S2", "DW") else "dw"
    return SeasonMatch(name, number, s2, NOW, 1.0, "03.00", "32UNU", s1, NOW, "ASCENDING", 1, dw)


@settings(deadline=None, max_examples=60)
@given(lacks=st.lists(st.tuples(LACKS, LACKS, LACKS, LACKS), max_size=5))
def test_only_locations_with_four_whole_seasons_stay(lacks: list[tuple[str, str, str, str]]) -> None:
    locations = [place(f"p{i}") for i in range(len(lacks))]
    matches = [season(f"p{i}", n, what) for i, four in enumerate(lacks) for n, what in enumerate(four)]
    verdicts = filter_seasons(locations, matches)
    assert [verdict.location_id for verdict in verdicts] == [location.location_id for location in locations]
    for verdict, four in zip(verdicts, lacks, strict=True):
        assert verdict.kept == (not any(four))
        assert bool(verdict.reason) == bool(verdict.detail) == bool(verdict.lacking) == (not verdict.kept)
        assert verdict.reason in ("", *(lack.what for lack in verdict.lacking))


def test_the_reason_is_the_first_thing_lacking_and_the_detail_names_the_seasons() -> None:
    matches = [season("p", 0, "DW"), season("p", 1, "S1"), season("p", 2), season("p", 3, "DW")]
    (verdict,) = filter_seasons([place("p")], matches)
    assert verdict.reason == "no DW label"
    assert verdict.detail == "seasons 0, 3: no DW label; season 1: no S1 scene"


def test_a_location_without_an_optical_scene_counts_as_that() -> None:
    matches = [season("p", 0, "S1"), season("p", 1, "DW"), season("p", 2, "S2"), season("p", 3)]
    (verdict,) = filter_seasons([place("p")], matches)
    assert verdict.reason == "no S2 scene"
    assert verdict.detail.startswith("season 2: no S2 scene; ")


def test_the_verdict_says_all_that_any_season_lacks() -> None:
    both = replace(season("p", 1), dw_id=None, s1_id=None)
    (verdict,) = filter_seasons([place("p")], [season("p", 0, "S1"), both, season("p", 2, "S2"), season("p", 3)])
    assert verdict.lacking == (
        Lack(0, "no S1 scene"), Lack(1, "no DW label"), Lack(1, "no S1 scene"), Lack(2, "no S2 scene"),
    )  # fmt: skip
    assert verdict.detail == "season 2: no S2 scene; season 1: no DW label; seasons 0, 1: no S1 scene"


def test_three_seasons_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match=r"seasons \[0, 1, 2\]"):
        filter_seasons([place("p")], [season("p", n) for n in range(3)])
