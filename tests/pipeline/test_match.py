from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.match import match_part
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.grid import patch_grid
from pipeline.schema.records import Location, S1Scene, S2Scene
from pipeline.season_windows import SeasonSettings, season_slots
from pipeline.seasons import filter_seasons
from pipeline.sources.protocol import PixelRequest, SceneLimits, SceneSlot, SlotScenes

GRID = patch_grid(10.0, 48.0)


def place(name: str = "here", dates: tuple[datetime, ...] = ()) -> Location:
    return Location(name, 10.0, 48.0, GRID, dates)


def optical(name: str, time: datetime, cloud: float = 5.0, labelled: bool = True) -> S2Scene:
    return S2Scene(f"S2/{name}", time, cloud, "03.00", "32UNU", f"DW/{name}" if labelled else None)


def radar(name: str, time: datetime) -> S1Scene:
    return S1Scene(f"S1/{name}", time, "ASCENDING", 44)


class Catalogue:
    """A source with a fixed list of scenes that cover every place, and the same limits as the real one."""

    def __init__(self, s2: Sequence[S2Scene], s1: Sequence[S1Scene]) -> None:
        self.s2, self.s1 = s2, s1
        self.asked: list[list[SceneSlot]] = []
        self.refused: dict[str, FailureKind] = {}
        self.too_heavy: set[tuple[str, int]] = set()

    def find_scenes(self, slots: Sequence[SceneSlot], limits: SceneLimits) -> list[SlotScenes]:
        self.asked.append(list(slots))
        for slot in slots:
            if slot.location_id in self.refused:
                raise SourceError(self.refused[slot.location_id], f"{slot.location_id} is refused")
        return [self._slot(slot, limits) for slot in slots]

    def _slot(self, slot: SceneSlot, limits: SceneLimits) -> SlotScenes:
        if (slot.location_id, slot.season) in self.too_heavy:
            failure = SourceError(FailureKind.PERMANENT, "Computation timed out.")
            return SlotScenes(slot.location_id, slot.season, (), (), failure)
        s2 = [s for s in self.s2 if slot.window.start <= s.time < slot.window.end]
        s1 = [s for s in self.s1 if slot.window.start <= s.time < slot.window.end]
        s2.sort(key=lambda s: s.cloud_pct)
        s1.sort(key=lambda s: abs(s.time - slot.window.centre))
        most = limits.max_candidates
        return SlotScenes(slot.location_id, slot.season, tuple(s2[:most]), tuple(s1[:most]))

    def fetch_pixels(self, request: PixelRequest) -> dict[str, object]:
        raise AssertionError("matching reads no pixels")


def centres() -> list[datetime]:
    return [slot.window.centre for slot in season_slots(place(), SeasonSettings(), 0)]


def whole() -> Catalogue:
    return Catalogue([optical(f"{t:%m}", t) for t in centres()], [radar(f"{t:%m}", t) for t in centres()])


def test_listed_times_take_the_nearest_scene() -> None:
    times = tuple(datetime(2021, month, 3, 10, 1, 30, tzinfo=UTC) for month in (12, 9, 6, 3))
    listed = SeasonSettings.model_validate({"anchors": "listed", "window_days": 7})
    scenes = [optical(f"{t.month}", t, cloud=19) for t in times]
    clearer = [optical(f"{t.month}-clear", t + timedelta(days=2), cloud=0) for t in times]
    source = Catalogue([*clearer, *scenes], [radar(f"{t.month}", t) for t in times])
    matches = match_part([place(dates=times)], listed, source)
    assert [match.s2_id for match in matches] == ["S2/12", "S2/9", "S2/6", "S2/3"]
    assert len(source.asked) == 1


def test_a_listed_time_with_no_reach_finds_the_very_scene() -> None:
    times = tuple(datetime(2021, month, 3, 10, tzinfo=UTC) for month in (12, 9, 6, 3))
    source = Catalogue([optical(f"{t.month}", t) for t in times], [])
    rules = SeasonSettings.model_validate({"anchors": "listed", "window_days": 0})
    matches = match_part([place(dates=times)], rules, source)
    assert [match.s2_time for match in matches] == list(times)


def test_a_part_is_matched_with_one_question_where_every_season_has_scenes() -> None:
    source = whole()
    matches = match_part([place("a"), place("b")], SeasonSettings(), source)
    assert [(m.location_id, m.season) for m in matches] == [(name, i) for name in "ab" for i in range(4)]
    assert [len(asked) for asked in source.asked] == [8]
    assert [m.s2_id for m in matches[:4]] == ["S2/12", "S2/09", "S2/06", "S2/03"]


def test_only_empty_seasons_are_asked_for_again_a_year_earlier() -> None:
    winter, autumn, summer, _ = centres()
    year = timedelta(days=365)
    s2 = [
        optical("winter", winter),
        optical("summer", summer),
        optical("last-autumn", autumn - year, labelled=False),
        optical("last-summer", summer - year, cloud=0),
    ]
    source = Catalogue(s2, [radar("last-autumn", autumn - year)])
    matches = match_part([place("a"), place("b")], SeasonSettings(), source)
    assert [m.s2_id for m in matches[:4]] == ["S2/winter", "S2/last-autumn", "S2/summer", None]
    assert (matches[1].s1_id, matches[1].dw_id) == ("S1/last-autumn", None)
    first, second = source.asked
    assert len(first) == 8
    assert [(s.location_id, s.season, s.window.centre.year) for s in second] == [
        ("a", 1, 2020), ("a", 3, 2020), ("b", 1, 2020), ("b", 3, 2020),
    ]  # fmt: skip


def test_the_latest_of_several_earlier_years_is_taken_in_the_same_question() -> None:
    summer = centres()[2]
    s2 = [optical(f"{back}", summer.replace(year=summer.year - back)) for back in (3, 2)]
    source = Catalogue(s2, [])
    matches = match_part([place()], SeasonSettings(fallback_years=3), source)
    assert matches[2].s2_id == "S2/2"
    assert len(source.asked) == 2


def test_without_a_fall_back_nothing_is_asked_again() -> None:
    source = Catalogue([], [])
    matches = match_part([place()], SeasonSettings(fallback_years=0), source)
    assert [m.lacks for m in matches] == ["S2"] * 4
    assert len(source.asked) == 1


def test_no_locations_need_no_question() -> None:
    source = Catalogue([], [])
    assert match_part([], SeasonSettings(), source) == []
    assert source.asked == []


@settings(deadline=None, max_examples=60)
@given(
    clouds=st.lists(st.sampled_from([0.0, 0.0, 4.0, 9.0]), min_size=1, max_size=12),
    days=st.lists(st.integers(-20, 20), min_size=12, max_size=12),
    most=st.integers(1, 14),
    how=st.sampled_from(["clearest", "nearest", "random"]),
)
def test_a_limit_on_candidates_changes_no_choice(clouds: list[float], days: list[int], most: int, how: str) -> None:
    noon = centres()[0]
    s2 = [optical(f"{i:02d}", noon + timedelta(days=days[i]), cloud) for i, cloud in enumerate(clouds)]
    s1 = [radar(f"{i:02d}", noon + timedelta(days=-days[i], hours=i)) for i in range(len(clouds))]
    rules = {"choose": how, "fallback_years": 0}
    cut = match_part([place()], SeasonSettings.model_validate({**rules, "max_candidates": most}), Catalogue(s2, s1))
    assert cut == match_part([place()], SeasonSettings.model_validate(rules), Catalogue(s2[::-1], s1[::-1]))


def test_only_seasons_that_may_have_been_cut_are_asked_for_in_full() -> None:
    noon = centres()[2]
    source = Catalogue([optical(f"{i}", noon + timedelta(hours=i)) for i in range(5)], [])
    match_part([place("a"), place("b")], SeasonSettings(max_candidates=5, fallback_years=0), source)
    assert [[(s.location_id, s.season) for s in asked] for asked in source.asked[1:]] == [[("a", 2), ("b", 2)]]


def test_a_season_that_cannot_be_answered_costs_its_own_location_alone() -> None:
    source = whole()
    source.too_heavy = {("b", 2)}
    places = [place(name) for name in "abc"]
    matches = match_part(places, SeasonSettings(), source)
    assert [m.failure_kind for m in matches] == [None] * 4 + [FailureKind.PERMANENT] * 4 + [None] * 4
    kept, lost, _ = filter_seasons(places, matches)
    assert (kept.kept, lost.kept, lost.reason) == (True, False, "scenes could not be had")
    assert lost.detail == "seasons 0, 1, 2, 3: scenes could not be had (Computation timed out.)"


@pytest.mark.parametrize("bad", [[0], [5], [13], [3, 4], [2, 9], [1, 6, 11]])
def test_a_location_that_is_refused_is_found_and_the_others_are_matched(bad: list[int]) -> None:
    source = whole()
    places = [place(f"p{i:02d}") for i in range(14)]
    source.refused = {f"p{i:02d}": FailureKind.PERMANENT for i in bad}
    matches = match_part(places, SeasonSettings(), source)
    assert [(m.location_id, m.season) for m in matches] == [(p.location_id, i) for p in places for i in range(4)]
    assert {m.location_id for m in matches if m.failure_kind is not None} == set(source.refused)
    assert all((m.s2_id is None) == (m.location_id in source.refused) for m in matches)
    assert len(source.asked) <= 1 + 8 * len(bad)


def test_a_project_without_access_is_told_after_a_few_questions() -> None:
    source = whole()
    source.refused = {f"p{i}": FailureKind.PERMANENT for i in range(64)}
    with pytest.raises(SourceError, match="p0 is refused"):
        match_part([place(f"p{i}") for i in range(64)], SeasonSettings(), source)
    assert len(source.asked) == 1 + 6


@pytest.mark.parametrize("kind", [FailureKind.TRANSIENT, FailureKind.QUOTA])
def test_trouble_that_may_pass_is_left_to_the_next_run(kind: FailureKind) -> None:
    source = whole()
    source.refused = {"b": kind}
    with pytest.raises(SourceError, match="b is refused") as raised:
        match_part([place(name) for name in "abc"], SeasonSettings(), source)
    assert raised.value.kind is kind
    assert len(source.asked) == 1


def test_a_passing_trouble_after_a_refusal_is_not_told_as_that_refusal() -> None:
    source = whole()
    source.refused = {"b": FailureKind.PERMANENT}
    find, asked = source.find_scenes, []

    def reset_later(slots: Sequence[SceneSlot], limits: SceneLimits) -> list[SlotScenes]:
        asked.append(1)
        if len(asked) == 3:
            raise ConnectionResetError("reset")
        return find(slots, limits)

    source.find_scenes = reset_later  # type: ignore[method-assign]
    with pytest.raises(ConnectionResetError) as raised:
        match_part([place(name) for name in "abcd"], SeasonSettings(), source)
    assert raised.value.__context__ is None
