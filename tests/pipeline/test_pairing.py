"""Which scenes go with a tile: held against a plain search over all scenes, for any catalogue."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.pairing import PairSettings, choose_pair, pair_tiles, tile_slots, zone_epsg
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.records import S1Scene, S2Scene
from pipeline.schema.tiles import ExpertTile
from pipeline.sources.protocol import PixelRequest, SceneLimits, SceneSlot, SlotScenes

DAY = datetime(2019, 7, 4, tzinfo=UTC)
RULES = PairSettings()


def tile(name: str = "dw_one", epsg: int = 32633, day: datetime = DAY) -> ExpertTile:
    grid = PixelGrid(epsg, 500_000.0, 5_000_000.0, 510, 510)
    return ExpertTile(name, "train", day, grid, f"{name}.tif", "", "", "", (), 0)


def optical(name: str, hours: float, mgrs: str = "33TWL") -> S2Scene:
    return S2Scene(f"S2/{name}", DAY + timedelta(hours=hours), 5.0, "02.08", mgrs, None)


def radar(name: str, hours: float) -> S1Scene:
    return S1Scene(f"S1/{name}", DAY + timedelta(hours=hours), "ASCENDING", 44)


class Catalogue:
    """A source with a fixed list of scenes over every tile; the limits are those of the real one."""

    def __init__(self, s2: Sequence[S2Scene] = (), s1: Sequence[S1Scene] = ()) -> None:
        self.s2, self.s1 = s2, s1
        self.asked: list[int] = []
        self.refused: set[str] = set()

    def find_scenes(self, slots: Sequence[SceneSlot], limits: SceneLimits) -> list[SlotScenes]:
        self.asked.append(len(slots))
        for slot in slots:
            if slot.location_id in self.refused:
                raise SourceError(FailureKind.PERMANENT, f"{slot.location_id} is refused")
        return [self._slot(slot, limits) for slot in slots]

    def _slot(self, slot: SceneSlot, limits: SceneLimits) -> SlotScenes:
        s2 = sorted((s for s in self.s2 if slot.window.start <= s.time < slot.window.end), key=lambda s: s.cloud_pct)
        near = sorted(
            (s for s in self.s1 if slot.window.start <= s.time < slot.window.end),
            key=lambda s: abs(s.time - slot.window.centre),
        )
        most = limits.max_candidates
        return SlotScenes(slot.location_id, slot.season, tuple(s2[:most]), tuple(near[:most]))

    def fetch_pixels(self, request: PixelRequest) -> dict[str, Any]:
        raise AssertionError("pairing reads no pixels")


def test_the_first_scene_from_the_labels_day_on_goes_before_any_earlier_one() -> None:
    s2 = [optical("before", -2), optical("day", 10), optical("later", 40)]
    (pair,) = pair_tiles([tile()], RULES, Catalogue(s2, [radar("far", 300), radar("near", 30), radar("old", -40)]))
    assert (pair.s2_id, pair.s1_id, pair.reason) == ("S2/day", "S1/near", "")


def test_without_one_the_last_scene_before_it_is_taken() -> None:
    s2 = [optical("long ago", -300), optical("eve", -9), optical("too late", 24 * 15)]
    (pair,) = pair_tiles([tile()], RULES, Catalogue(s2, [radar("one", 0)]))
    assert pair.s2_id == "S2/eve"


@pytest.mark.parametrize(
    ("s2", "s1", "reason", "detail"),
    [
        ([], [radar("one", 0)], "no S2 scene", "none in any UTM zone"),
        ([optical("east", 3, "34TCR")], [radar("one", 0)], "S2 in other UTM zones only", "1 in other UTM zones"),
        ([optical("south", 3, "33MWL")], [radar("one", 0)], "S2 in other UTM zones only", "1 in other UTM zones"),
        ([optical("one", 3)], [], "no S1 scene", "+-15 days"),
        ([optical("one", 3)], [radar("late", 24 * 15 + 1)], "no S1 scene", "+-15 days"),
    ],
)
def test_what_cannot_be_paired_says_why(s2: list[S2Scene], s1: list[S1Scene], reason: str, detail: str) -> None:
    (pair,) = pair_tiles([tile()], RULES, Catalogue(s2, s1))
    assert pair.reason == reason
    assert detail in pair.detail
    assert pair.failure_kind is None


hours = st.integers(-24 * 20, 24 * 20)
catalogues = st.tuples(
    st.lists(st.tuples(hours, st.sampled_from(["33TWL", "33TVL", "32TQR", "33KWB"])), max_size=8),
    st.lists(hours, max_size=6),
    st.floats(1, 19),
    st.floats(1, 19),
    st.randoms(use_true_random=False),
)


@settings(max_examples=100, deadline=None)
@given(catalogues)
def test_every_catalogue_is_chosen_from_as_published(drawn: Any) -> None:
    s2_drawn, s1_drawn, s2_days, s1_days, shuffle = drawn
    s2 = [optical(f"{n}", h, mgrs) for n, (h, mgrs) in enumerate(s2_drawn)]
    s1 = [radar(f"{n}", h) for n, h in enumerate(s1_drawn)]
    rules = PairSettings(s2_days=s2_days, s1_days=s1_days)
    (pair,) = pair_tiles([tile()], rules, Catalogue(s2, s1))
    own = [s for s in s2 if s.tile.startswith("33T")]
    after = [s for s in own if timedelta(0) <= s.time - DAY < timedelta(days=s2_days)]
    before = [s for s in own if timedelta(0) < DAY - s.time <= timedelta(days=s2_days)]
    first = min(after, key=lambda s: (s.time, s.asset_id)) if after else None
    best = first or (max(before, key=lambda s: s.time) if before else None)
    assert (pair.s2_time if pair.s2_id else None) == (best.time if best else None)
    if best is not None:
        reach = timedelta(days=s1_days)
        known = [abs(s.time - best.time) for s in s1 if -reach <= s.time - DAY < reach]
        assert (pair.s1_id is None) == (not known)
        if pair.s1_time is not None:
            assert abs(pair.s1_time - best.time) == min(known)
    shuffle.shuffle(s2)
    shuffle.shuffle(s1)
    assert pair_tiles([tile()], rules, Catalogue(s2, s1)) == [pair], "the order of an answer decides nothing"


def test_all_tiles_are_asked_for_at_once_and_more_where_an_answer_is_full() -> None:
    source = Catalogue([optical(f"{n:02d}", n) for n in range(20)], [radar("one", 0)])
    pairs = pair_tiles([tile("a"), tile("b")], PairSettings(max_candidates=4), source)
    assert [pair.s2_id for pair in pairs] == ["S2/00", "S2/00"]
    assert source.asked == [4, 2], "the two slots that were full, once more"


def test_a_refused_tile_does_not_keep_the_others_from_their_scenes() -> None:
    source = Catalogue([optical("one", 3)], [radar("one", 0)])
    source.refused = {"c"}
    pairs = pair_tiles([tile(name) for name in "abcd"], RULES, source)
    assert [pair.s2_id for pair in pairs] == ["S2/one", "S2/one", None, "S2/one"]
    assert pairs[2].failure_kind is FailureKind.PERMANENT
    assert "c is refused" in pairs[2].failure_message


def test_a_refused_tile_is_told_where_it_is_asked_for_alone() -> None:
    source = Catalogue()
    source.refused = {"c"}
    (pair,) = pair_tiles([tile("c")], RULES, source)
    assert (pair.tile_id, pair.failure_kind, pair.failure_message) == ("c", FailureKind.PERMANENT, "c is refused")
    assert source.asked == [2], "it is not asked for twice"


def test_a_slot_that_fails_by_itself_is_the_tiles_failure() -> None:
    error = SourceError(FailureKind.PERMANENT, "Computation timed out.")
    slots = [SlotScenes("dw_one", 0, (), (), error), SlotScenes("dw_one", 1, (), ())]
    pair = choose_pair(tile(), slots, RULES)
    assert (pair.failure_kind, pair.reason) == (FailureKind.PERMANENT, "")


def test_the_two_questions_meet_at_the_labels_day() -> None:
    after, before = tile_slots(tile(), PairSettings(s2_days=5, s1_days=9))
    assert before.window.end == after.window.start == DAY
    assert after.window.end - before.window.start == timedelta(days=18)


@pytest.mark.parametrize(
    ("name", "epsg"),
    [("33TWL", 32633), ("01MAA", 32701), ("60NXX", 32660), ("32XMG", 32632), ("", None), ("T33", None)],
)
def test_zone_and_hemisphere_of_a_tiles_name(name: str, epsg: int | None) -> None:
    assert zone_epsg(name) == epsg
