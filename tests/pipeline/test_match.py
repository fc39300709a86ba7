from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.match import SeasonSettings, choose, match_part, season_slots
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import patch_grid
from pipeline.schema.records import Location, S1Scene, S2Scene
from pipeline.schema.strict import validated
from pipeline.sources.protocol import PixelRequest, SceneLimits, SceneSlot, SlotScenes

GRID = patch_grid(10.0, 48.0)
DAYS = st.dates(date(2016, 6, 1), date(2024, 12, 31))


def place(name: str = "here", dates: tuple[datetime, ...] = ()) -> Location:
    return Location(name, 10.0, 48.0, GRID, dates)


def optical(name: str, time: datetime, cloud: float = 5.0, labelled: bool = True) -> S2Scene:
    return S2Scene(f"S2/{name}", time, cloud, "03.00", "32UNU", f"DW/{name}" if labelled else None)


def radar(name: str, time: datetime) -> S1Scene:
    return S1Scene(f"S1/{name}", time, "ASCENDING", 44)


class Catalogue:
    """A source with a fixed list of scenes that cover every place."""

    def __init__(self, s2: Sequence[S2Scene], s1: Sequence[S1Scene]) -> None:
        self.s2, self.s1 = s2, s1
        self.asked: list[list[SceneSlot]] = []

    def find_scenes(self, slots: Sequence[SceneSlot], limits: SceneLimits) -> list[SlotScenes]:
        self.asked.append(list(slots))
        return [
            SlotScenes(
                slot.location_id,
                slot.season,
                tuple(s for s in self.s2 if slot.window.start <= s.time < slot.window.end),
                tuple(s for s in self.s1 if slot.window.start <= s.time < slot.window.end),
            )
            for slot in slots
        ]

    def fetch_pixels(self, request: PixelRequest) -> dict[str, object]:
        raise AssertionError("matching reads no pixels")


@settings(deadline=None, max_examples=60)
@given(anchors=st.tuples(DAYS, DAYS, DAYS, DAYS), days=st.integers(0, 60), shift=st.integers(0, 5))
def test_windows_hold_whole_days_around_their_anchors(
    anchors: tuple[date, date, date, date], days: int, shift: int
) -> None:
    slots = season_slots(place(), SeasonSettings(anchors=anchors, window_days=days), shift)
    assert [slot.season for slot in slots] == [0, 1, 2, 3]
    for slot, anchor in zip(slots, anchors, strict=True):
        window = slot.window
        assert slot.grid == GRID
        assert window.end - window.start == timedelta(days=2 * days + 1)
        assert window.centre - window.start == window.end - window.centre
        assert window.start.utcoffset() == timedelta(0)
        assert (window.start.hour, window.start.minute) == (0, 0)
        assert window.centre.year == anchor.year - shift
        assert window.centre.month == anchor.month
        leap_day = (anchor.month, anchor.day) == (2, 29)
        assert window.centre.day == anchor.day or (leap_day and window.centre.day == 28)


def test_a_leap_day_a_year_earlier_is_the_28th() -> None:
    leap = date(2024, 2, 29)
    settings_ = SeasonSettings(anchors=(leap, leap, leap, leap))
    assert season_slots(place(), settings_, 1)[0].window.centre == datetime(2023, 2, 28, 12, tzinfo=UTC)
    assert season_slots(place(), settings_, 4)[0].window.centre == datetime(2020, 2, 29, 12, tzinfo=UTC)


def test_listed_times_bring_their_own_windows_and_the_nearest_scene() -> None:
    times = tuple(datetime(2021, month, 3, 10, 1, 30, tzinfo=UTC) for month in (12, 9, 6, 3))
    listed = SeasonSettings(anchors="listed", window_days=7)
    assert (listed.choose, listed.fallback_years) == ("nearest", 0)
    windows = [slot.window for slot in season_slots(place(dates=times), listed, 0)]
    assert [window.centre for window in windows] == list(times)
    assert all(w.start == w.centre - timedelta(days=7) for w in windows)
    assert all(w.start <= w.centre + timedelta(days=7) < w.end for w in windows)
    scenes = [optical(f"{t.month}", t, cloud=19) for t in times]
    clearer = [optical(f"{t.month}-clear", t + timedelta(days=2), cloud=0) for t in times]
    source = Catalogue([*clearer, *scenes], [radar(f"{t.month}", t) for t in times])
    matches = match_part([place(dates=times)], listed, source)
    assert [match.s2_id for match in matches] == ["S2/12", "S2/9", "S2/6", "S2/3"]
    assert len(source.asked) == 1


def test_a_listed_time_with_no_reach_finds_the_very_scene() -> None:
    times = tuple(datetime(2021, month, 3, 10, tzinfo=UTC) for month in (12, 9, 6, 3))
    source = Catalogue([optical(f"{t.month}", t) for t in times], [])
    matches = match_part([place(dates=times)], SeasonSettings(anchors="listed", window_days=0), source)
    assert [match.s2_time for match in matches] == list(times)


def test_listed_times_that_are_missing_name_the_location() -> None:
    with pytest.raises(UsageError, match="location here brings 0 dates, 4 are needed"):
        season_slots(place(), SeasonSettings(anchors="listed"), 0)


@pytest.mark.parametrize(
    ("raw", "words"),
    [({"anchor": "listed"}, "did you mean 'anchors'"), ({"anchors": ["2021-01-01"]}, "anchors"),
     ({"cloud_max_pct": 0}, "cloud_max_pct"), ({"choose": "best"}, "choose")],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(raw: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        validated(SeasonSettings, raw, "recipe.yaml")


def test_settings_survive_being_written_down() -> None:
    for written in (SeasonSettings(), SeasonSettings(anchors="listed", choose="clearest")):
        assert SeasonSettings.model_validate(written.model_dump(mode="json")) == written


def slot() -> SceneSlot:
    return season_slots(place(), SeasonSettings(), 0)[0]


@settings(deadline=None, max_examples=60)
@given(data=st.data(), how=st.sampled_from(["clearest", "nearest"]))
def test_the_choice_does_not_depend_on_the_order_of_scenes(data: st.DataObject, how: str) -> None:
    here = slot()
    # Few distinct clouds and days, so that ties are common.
    hours = st.integers(-3, 3).map(lambda n: here.window.centre + timedelta(hours=12 * n))
    clouds = st.sampled_from([0.0, 3.0, 3.0, 19.0])
    s2 = [
        optical(f"s{i}", data.draw(hours), data.draw(clouds), data.draw(st.booleans()))
        for i in range(data.draw(st.integers(1, 8)))
    ]
    s1 = [radar(f"r{i}", data.draw(hours)) for i in range(data.draw(st.integers(0, 5)))]
    rules = SeasonSettings(choose=how)
    match = choose(here, SlotScenes("here", 0, tuple(s2), tuple(s1)), rules)
    shuffled = SlotScenes("here", 0, tuple(data.draw(st.permutations(s2))), tuple(data.draw(st.permutations(s1))))
    assert choose(here, shuffled, rules) == match

    chosen = next(scene for scene in s2 if scene.asset_id == match.s2_id)
    if how == "clearest":
        assert chosen.cloud_pct == min(scene.cloud_pct for scene in s2)
    else:
        assert abs(chosen.time - here.window.centre) == min(abs(s.time - here.window.centre) for s in s2)
    assert match.dw_id == chosen.dw_id
    if s1:
        assert match.s1_time is not None
        assert abs(match.s1_time - chosen.time) == min(abs(scene.time - chosen.time) for scene in s1)


def test_ties_go_to_the_lower_asset_id() -> None:
    here = slot()
    s2 = tuple(optical(name, here.window.centre) for name in "cab")
    s1 = tuple(radar(name, here.window.centre + timedelta(hours=h)) for name, h in (("y", 1), ("x", -1)))
    match = choose(here, SlotScenes("here", 0, s2, s1), SeasonSettings())
    assert (match.s2_id, match.s1_id) == ("S2/a", "S1/x")


def test_a_label_does_not_make_a_scene_more_eligible() -> None:
    here = slot()
    s2 = (
        optical("clear", here.window.centre, cloud=1, labelled=False),
        optical("labelled", here.window.centre, cloud=2),
    )
    match = choose(here, SlotScenes("here", 0, s2, ()), SeasonSettings())
    assert (match.s2_id, match.dw_id, match.lacks) == ("S2/clear", None, "DW")


def test_radar_is_nearest_to_the_chosen_scene_and_within_the_tolerance() -> None:
    here = slot()
    s2 = (optical("late", here.window.centre + timedelta(days=20)),)
    s1 = (radar("central", here.window.centre), radar("later", here.window.centre + timedelta(days=16)))
    scenes = SlotScenes("here", 0, s2, s1)
    assert choose(here, scenes, SeasonSettings()).s1_id == "S1/later"
    assert choose(here, scenes, SeasonSettings(s1_tolerance_days=4)).s1_id == "S1/later"
    assert choose(here, scenes, SeasonSettings(s1_tolerance_days=3)).s1_id is None


def test_a_season_without_optical_scenes_is_wholly_empty() -> None:
    here = slot()
    match = choose(here, SlotScenes("here", 0, (), (radar("r", here.window.centre),)), SeasonSettings())
    assert (match.s2_id, match.s1_id, match.dw_id, match.lacks) == (None, None, None, "S2")


def centres() -> list[datetime]:
    return [slot.window.centre for slot in season_slots(place(), SeasonSettings(), 0)]


def test_a_part_is_matched_with_one_question_where_every_season_has_scenes() -> None:
    source = Catalogue([optical(f"{t:%m}", t) for t in centres()], [radar(f"{t:%m}", t) for t in centres()])
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
