from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.scene_choice import choose, choose_s2
from pipeline.schema.grid import patch_grid
from pipeline.schema.records import Location, S1Scene, S2Scene, SeasonMatch
from pipeline.season_windows import SeasonSettings, season_slots
from pipeline.sources.protocol import SceneSlot, SlotScenes

UP, DOWN = "ASCENDING", "DESCENDING"
SLOTS = season_slots(Location("here", 10.0, 48.0, patch_grid(10.0, 48.0)), SeasonSettings(), 0)
SLOT = SLOTS[0]
NOON = SLOT.window.centre


def optical(name: str, time: datetime, cloud: float = 5.0, labelled: bool = True) -> S2Scene:
    label = f"DW/{name}" if labelled else None
    return S2Scene(f"S2/{name}", time, cloud, "03.00", "32UNU", label, 22, "Sentinel-2B")


def radar(name: str, time: datetime, direction: str = UP) -> S1Scene:
    return S1Scene(f"S1/{name}", time, direction, 44, "S1A")


def one(s2: tuple[S2Scene, ...], s1: tuple[S1Scene, ...] = (), **rules: object) -> SeasonMatch:
    (match,) = choose([SLOT], [SlotScenes("here", 0, s2, s1)], SeasonSettings.model_validate(rules))
    return match


# Few distinct clouds and times, so that ties are common.
HOURS = st.integers(-3, 3).map(lambda n: timedelta(hours=12 * n))
CLOUDS = st.sampled_from([0.0, 3.0, 3.0, 19.0])


@settings(deadline=None, max_examples=80)
@given(
    data=st.data(),
    how=st.sampled_from(["clearest", "nearest", "random"]),
    orbit=st.sampled_from(["any", "ascending", "descending", "same"]),
)
def test_the_choice_does_not_depend_on_the_order_of_scenes(data: st.DataObject, how: str, orbit: str) -> None:
    rules = SeasonSettings.model_validate({"choose": how, "s1_orbit": orbit})
    found, shuffled = [], []
    for slot in SLOTS:
        noon = slot.window.centre
        s2 = [
            optical(f"s{i}", noon + data.draw(HOURS), data.draw(CLOUDS), data.draw(st.booleans()))
            for i in range(data.draw(st.integers(0, 6)))
        ]
        s1 = [
            radar(f"r{i}", noon + data.draw(HOURS), data.draw(st.sampled_from([UP, DOWN])))
            for i in range(data.draw(st.integers(0, 5)))
        ]
        found.append(SlotScenes("here", slot.season, tuple(s2), tuple(s1)))
        mixed = tuple(data.draw(st.permutations(s2))), tuple(data.draw(st.permutations(s1)))
        shuffled.append(SlotScenes("here", slot.season, *mixed))
    matches = choose(SLOTS, found, rules)
    assert choose(SLOTS, shuffled, rules) == matches
    for slot, scenes, match in zip(SLOTS, found, matches, strict=True):
        check_season(slot, scenes, match, how, orbit)
    if orbit == "same":
        assert len({match.s1_orbit_pass for match in matches} - {None}) <= 1


def check_season(slot: SceneSlot, scenes: SlotScenes, match: SeasonMatch, how: str, orbit: str) -> None:
    assert (match.s2_id is None) == (not scenes.s2)
    if not scenes.s2:
        assert match.s1_id is None
        return
    chosen = next(scene for scene in scenes.s2 if scene.asset_id == match.s2_id)
    if how == "clearest":
        assert chosen.cloud_pct == min(scene.cloud_pct for scene in scenes.s2)
    if how == "nearest":
        centre = slot.window.centre
        assert abs(chosen.time - centre) == min(abs(s.time - centre) for s in scenes.s2)
    assert match.dw_id == chosen.dw_id
    direction = match.s1_orbit_pass if orbit == "same" else {"ascending": UP, "descending": DOWN}.get(orbit)
    allowed = [scene for scene in scenes.s1 if direction is None or scene.orbit_pass == direction]
    if match.s1_time is not None:
        assert abs(match.s1_time - chosen.time) == min(abs(scene.time - chosen.time) for scene in allowed)
    elif orbit != "same":
        assert not allowed


def test_ties_go_to_the_lower_asset_id() -> None:
    s2 = tuple(optical(name, NOON) for name in "cab")
    s1 = tuple(radar(name, NOON + timedelta(hours=h)) for name, h in (("y", 1), ("x", -1)))
    match = one(s2, s1)
    assert (match.s2_id, match.s1_id) == ("S2/a", "S1/x")


def test_all_that_is_known_of_the_scenes_is_frozen() -> None:
    match = one((optical("o", NOON, 7.5),), (radar("r", NOON + timedelta(days=2), DOWN),))
    assert match == SeasonMatch(
        location_id="here", season=0, s2_id="S2/o", s2_time=NOON, s2_cloud_pct=7.5, s2_baseline="03.00",
        s2_tile="32UNU", s1_id="S1/r", s1_time=NOON + timedelta(days=2), s1_orbit_pass=DOWN, s1_relative_orbit=44,
        dw_id="DW/o", s2_relative_orbit=22, s2_platform="Sentinel-2B", s1_platform="S1A",
    )  # fmt: skip


def test_a_random_choice_is_uniform_and_its_seeds_own() -> None:
    scenes = tuple(optical(f"s{i}", NOON, cloud=i) for i in range(4))
    drawn = [choose_s2(SLOT, scenes, SeasonSettings(choose="random", seed=seed)) for seed in range(400)]
    counts = Counter(scene.asset_id for scene in drawn if scene is not None)
    assert len(counts) == 4
    assert all(60 < n < 140 for n in counts.values()), "100 expected of each, standard deviation 8.7"
    # A scene more or less leaves the others' lots as they are.
    rules = SeasonSettings(choose="random", seed=5)
    best = choose_s2(SLOT, scenes, rules)
    fewer = tuple(scene for scene in scenes if scene != best)
    assert choose_s2(SLOT, (*fewer, best) if best else (), rules) == best
    assert choose_s2(SLOT, fewer, rules) != best


def test_a_label_does_not_make_a_scene_more_eligible() -> None:
    match = one((optical("clear", NOON, cloud=1, labelled=False), optical("labelled", NOON, cloud=2)))
    assert (match.s2_id, match.dw_id, match.lacking) == ("S2/clear", None, ("DW", "S1"))


def test_radar_is_nearest_to_the_chosen_scene_and_within_the_tolerance() -> None:
    s2 = (optical("late", NOON + timedelta(days=20)),)
    s1 = (radar("central", NOON), radar("later", NOON + timedelta(days=16)))
    assert one(s2, s1).s1_id == "S1/later"
    assert one(s2, s1, s1_tolerance_days=4).s1_id == "S1/later"
    assert one(s2, s1, s1_tolerance_days=3).s1_id is None


def test_a_season_without_optical_scenes_is_wholly_empty() -> None:
    match = one((), (radar("r", NOON),))
    assert (match.s2_id, match.s1_id, match.dw_id, match.lacking) == (None, None, None, ("S2",))


@pytest.mark.parametrize(("orbit", "taken"), [("any", "S1/a"), ("ascending", "S1/a"), ("descending", "S1/d")])
def test_a_direction_may_be_asked_for(orbit: str, taken: str) -> None:
    s1 = (radar("a", NOON, UP), radar("d", NOON + timedelta(days=5), DOWN))
    assert one((optical("s", NOON),), s1, s1_orbit=orbit).s1_id == taken
    assert one((optical("s", NOON),), s1, s1_orbit=orbit, s1_tolerance_days=1).s1_id == (
        None if orbit == "descending" else taken
    )


def passes(*gaps: tuple[float | None, float | None]) -> list[SlotScenes]:
    """Per season, how many days from the optical scene the ascending and the descending pass are."""
    found = []
    for slot, (up, down) in zip(SLOTS, gaps, strict=True):
        noon = slot.window.centre
        s1 = [
            radar(f"{direction[0]}{slot.season}", noon + timedelta(days=days), direction)
            for direction, days in ((UP, up), (DOWN, down))
            if days is not None
        ]
        found.append(SlotScenes("here", slot.season, (optical(f"{slot.season}", noon),), tuple(s1)))
    return found


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ([(1, 2), (1, 2), (1, 2), (1, 2)], ["S1/A0", "S1/A1", "S1/A2", "S1/A3"]),
        ([(0, 2), (0, 2), (0, 2), (20, 2)], ["S1/D0", "S1/D1", "S1/D2", "S1/D3"]),
        ([(0, 9), (0, 9), (0, 9), (None, 9)], ["S1/D0", "S1/D1", "S1/D2", "S1/D3"]),
        ([(0, None), (0, 9), (0, 9), (None, None)], ["S1/A0", "S1/A1", "S1/A2", None]),
        ([(3, -3), (3, -3), (3, -3), (3, -3)], ["S1/A0", "S1/A1", "S1/A2", "S1/A3"]),
    ],
    ids=["the nearer", "nearer in total", "complete before near", "the more seasons", "ascending where equal"],
)
def test_one_direction_for_all_seasons(gaps: list[tuple[float | None, float | None]], expected: list[str]) -> None:
    assert [match.s1_id for match in choose(SLOTS, passes(*gaps), SeasonSettings(s1_orbit="same"))] == expected


def test_without_a_rule_each_season_has_its_own_direction() -> None:
    found = passes((0, 2), (2, 0), (None, 1), (1, None))
    assert [m.s1_orbit_pass for m in choose(SLOTS, found, SeasonSettings())] == [UP, DOWN, DOWN, UP]


def test_times_are_compared_in_utc_whatever_their_zone() -> None:
    assert SeasonSettings().anchors[0] == date(2021, 12, 21)
    assert datetime(2021, 12, 21, 12, tzinfo=UTC) == NOON


@pytest.mark.parametrize("how", ["clearest", "nearest", "random"])
def test_labelled_scenes_are_preferred_only_where_that_is_asked_for(how: str) -> None:
    better = [optical(f"a{i}", NOON, cloud=0.0, labelled=False) for i in range(5)]
    labelled = optical("z", NOON + timedelta(days=9), cloud=19.0)
    scenes = (*better, labelled)
    assert one(scenes, choose=how, prefer_labelled=True).dw_id == "DW/z"
    assert one(tuple(better), choose=how, prefer_labelled=True).s2_id is not None
    if how != "random":
        assert one(scenes, choose=how).s2_id == "S2/a0"


def test_a_recipe_that_prefers_nothing_is_described_as_before_there_was_a_preference() -> None:
    assert "prefer_labelled" not in SeasonSettings().model_dump(mode="json")
    assert SeasonSettings(prefer_labelled=True).model_dump(mode="json")["prefer_labelled"] is True
