from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema.errors import UsageError
from pipeline.schema.grid import patch_grid
from pipeline.schema.records import Location
from pipeline.schema.strict import validated
from pipeline.season_windows import SeasonSettings, season_slots, seeded, shift_of

GRID = patch_grid(10.0, 48.0)
DAYS = st.dates(date(2016, 6, 1), date(2024, 12, 31))


def place(name: str = "here", dates: tuple[datetime, ...] = ()) -> Location:
    return Location(name, 10.0, 48.0, GRID, dates)


def scheme(name: str, **more: object) -> SeasonSettings:
    return SeasonSettings.model_validate({"anchors": name, **more})


@settings(deadline=None, max_examples=60)
@given(
    anchors=st.tuples(DAYS, DAYS, DAYS, DAYS),
    days=st.integers(0, 60),
    years=st.integers(0, 5),
    most=st.integers(0, 400),
    seed=st.integers(0, 9),
)
def test_windows_hold_whole_days_around_their_anchors(
    anchors: tuple[date, date, date, date], days: int, years: int, most: int, seed: int
) -> None:
    rules = SeasonSettings(anchors=anchors, window_days=days, shift_days=most, seed=seed)
    slots = season_slots(place(), rules, years)
    assert [slot.season for slot in slots] == [0, 1, 2, 3]
    back = shift_of("here", rules)
    assert timedelta(0) <= back <= timedelta(days=most)
    for slot, anchor in zip(slots, anchors, strict=True):
        window = slot.window
        meant = anchor - back
        assert slot.grid == GRID
        assert window.end - window.start == timedelta(days=2 * days + 1)
        assert window.centre - window.start == window.end - window.centre
        assert window.start.utcoffset() == timedelta(0)
        assert (window.start.hour, window.start.minute) == (0, 0)
        assert (window.centre.year, window.centre.month) == (meant.year - years, meant.month)
        leap_day = (meant.month, meant.day) == (2, 29)
        assert window.centre.day == meant.day or (leap_day and window.centre.day == 28)


def test_a_leap_day_a_year_earlier_is_the_28th() -> None:
    leap = date(2024, 2, 29)
    rules = SeasonSettings(anchors=(leap, leap, leap, leap))
    assert season_slots(place(), rules, 1)[0].window.centre == datetime(2023, 2, 28, 12, tzinfo=UTC)
    assert season_slots(place(), rules, 4)[0].window.centre == datetime(2020, 2, 29, 12, tzinfo=UTC)


def test_the_second_scheme_is_the_default() -> None:
    assert scheme("ssl4eo_v2") == SeasonSettings()
    assert [f"{d:%Y-%m-%d}" for d in SeasonSettings().anchors if isinstance(d, date)] == [
        "2021-12-21", "2021-09-22", "2021-06-21", "2021-03-20",
    ]  # fmt: skip


def test_the_first_scheme_moves_all_four_dates_back_together() -> None:
    first = scheme("ssl4eo_v1")
    assert (first.window_days, first.fallback_years) == (15, 0)
    anchors = [datetime(2021, 9, 22, 12, tzinfo=UTC), datetime(2021, 6, 21, 12, tzinfo=UTC),
               datetime(2021, 3, 20, 12, tzinfo=UTC), datetime(2020, 12, 21, 12, tzinfo=UTC)]  # fmt: skip
    shifts = []
    for name in map(str, range(2000)):
        centres = [slot.window.centre for slot in season_slots(place(name), first, 0)]
        (shift,) = {(anchor - centre).days for anchor, centre in zip(anchors, centres, strict=True)}
        shifts.append(shift)
    assert min(shifts) >= 0
    assert max(shifts) <= 364
    assert abs(sum(shifts) / len(shifts) - 182) < 10, "uniform: mean 182, standard error 2.4"
    assert len(set(shifts)) > 350


def test_a_shift_is_the_locations_own_and_the_seeds() -> None:
    rules, other = scheme("ssl4eo_v1", seed=1), scheme("ssl4eo_v1", seed=2)
    names = [f"p{i}" for i in range(50)]
    drawn = {name: shift_of(name, rules) for name in names}
    assert {name: shift_of(name, rules) for name in reversed(names)} == drawn
    assert sum(shift_of(name, other) == drawn[name] for name in names) < 5
    assert seeded(1, "shift", "p0") == 0x9FED1456BD4E56CD, "a published seed must mean the same for ever"


def test_what_a_recipe_says_goes_before_its_scheme() -> None:
    assert scheme("ssl4eo_v1", window_days=20).window_days == 20
    assert scheme("ssl4eo_v1", window_days=20).shift_days == 364
    assert scheme("listed", choose="clearest").choose == "clearest"


def test_listed_times_bring_their_own_windows() -> None:
    times = tuple(datetime(2021, month, 3, 10, 1, 30, tzinfo=UTC) for month in (12, 9, 6, 3))
    listed = scheme("listed", window_days=7)
    assert (listed.choose, listed.fallback_years) == ("nearest", 0)
    windows = [slot.window for slot in season_slots(place(dates=times), listed, 0)]
    assert [window.centre for window in windows] == list(times)
    assert all(w.start == w.centre - timedelta(days=7) for w in windows)
    assert all(w.start <= w.centre + timedelta(days=7) < w.end for w in windows)


def test_listed_times_that_are_missing_name_the_location() -> None:
    with pytest.raises(UsageError, match="location here brings 0 dates, 4 are needed"):
        season_slots(place(), scheme("listed"), 0)


@pytest.mark.parametrize(
    ("raw", "words"),
    [({"anchor": "listed"}, "did you mean 'anchors'"), ({"anchors": ["2021-01-01"]}, "anchors"),
     ({"anchors": "ssl4eo_v3"}, "anchors is 'ssl4eo_v3'; expected four dates or one of ssl4eo_v1, ssl4eo_v2, listed"),
     ({"anchors": "listed", "shift_days": 3}, "shift_days moves anchors"), ({"shift_days": -1}, "shift_days"),
     ({"cloud_max_pct": 0}, "cloud_max_pct"), ({"choose": "best"}, "choose"), ({"s1_orbit": "up"}, "s1_orbit")],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(raw: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        validated(SeasonSettings, raw, "recipe.yaml")


def test_settings_survive_being_written_down() -> None:
    for written in (SeasonSettings(), scheme("listed", choose="clearest"), scheme("ssl4eo_v1", seed=3)):
        assert SeasonSettings.model_validate(written.model_dump(mode="json")) == written
