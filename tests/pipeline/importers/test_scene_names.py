from datetime import UTC, datetime

import pytest

from pipeline.importers.imported import NotImportableError, offset_of
from pipeline.importers.scene_names import s1_scene, s2_scene, s2_zone, season_match, zone_of

S2 = "20200106T100401_20200106T100356_T33TWL"
S1 = "S1B_IW_GRDH_1SDV_20201127T214646_20201127T214711_024458_02E8A9_4BC8"


def test_scenes_tell_their_time_by_name_or_to_the_millisecond_by_property() -> None:
    assert s2_scene(S2, {}).time == datetime(2020, 1, 6, 10, 4, 1, tzinfo=UTC)
    assert s1_scene(S1, {}).time == datetime(2020, 11, 27, 21, 46, 46, tzinfo=UTC)
    told = s2_scene("any", {"system:time_start": 1578305168123})
    assert told.time == datetime(2020, 1, 6, 10, 6, 8, 123000, tzinfo=UTC)
    for make in (s2_scene, s1_scene):
        with pytest.raises(NotImportableError, match="no scene's name"):
            make("any", {})


def test_the_zone_is_that_of_most_tiles_and_else_the_places_own() -> None:
    scenes = [s2_scene(S2, {}), s2_scene(S2, {}), s2_scene(S2.replace("T33TWL", "T32TQR"), {})]
    assert [s2_zone(scene) for scene in scenes] == [32633, 32633, 32632]
    assert s2_zone(s2_scene(S2.replace("T33TWL", "T33HWL"), {})) == 32733
    assert zone_of(scenes, 11.9, 45.0) == 32633
    assert zone_of([], 11.9, 45.0) == 32632


def test_without_labels_there_is_no_dynamic_world_image() -> None:
    s2, s1 = s2_scene(S2, {"CLOUDY_PIXEL_PERCENTAGE": 3}), s1_scene(S1, {"relativeOrbitNumber_start": 44.0})
    labelled = season_match("7", 2, s2, s1, labelled=True)
    assert labelled.dw_id == f"GOOGLE/DYNAMICWORLD/V1/{S2}"
    assert labelled.s2_id == f"COPERNICUS/S2_HARMONIZED/{S2}"
    assert labelled.lacking == ()
    assert (labelled.s2_tile, labelled.s2_cloud_pct, labelled.s1_relative_orbit) == ("33TWL", 3.0, 44)
    assert (labelled.s1_platform, labelled.s1_orbit_pass, labelled.s2_baseline) == ("S1B", None, None)
    assert season_match("7", 2, s2, s1, labelled=False).lacking == ("DW",)


@pytest.mark.parametrize(("baseline", "offset"), [("02.09", 0), ("03.01", 0), ("04.00", 1000), ("05.10", 1000),
                                                  (None, 0), ("new", 0)])  # fmt: skip
def test_the_offset_came_with_baseline_4(baseline: str | None, offset: int) -> None:
    assert offset_of(baseline) == offset


@pytest.mark.parametrize("stamp", [1e30, float("nan"), -1e18])
def test_a_time_that_is_none_is_told(stamp: float) -> None:
    with pytest.raises(NotImportableError, match=f"strange metadata: {S2}: ") as told:
        s2_scene(S2, {"system:time_start": stamp})
    assert "\n" not in str(told.value)


def test_a_name_with_a_date_that_is_none_is_told() -> None:
    with pytest.raises(NotImportableError, match="strange metadata"):
        s2_scene(S2.replace("20200106T100401", "20210231T100401"), {})
    with pytest.raises(NotImportableError, match="no scene's name"):
        s2_scene(S2.replace("T33TWL", "T61TWL"), {})  # there are 60 zones


@pytest.mark.parametrize(
    ("s2", "s1"),
    [
        ({"CLOUDY_PIXEL_PERCENTAGE": "much"}, {}),
        ({"SENSING_ORBIT_NUMBER": []}, {}),
        ({}, {"relativeOrbitNumber_start": float("inf")}),
    ],
)
def test_properties_that_are_no_numbers_are_told(s2: dict[str, object], s1: dict[str, object]) -> None:
    with pytest.raises(NotImportableError, match="strange metadata"):
        season_match("7", 0, s2_scene(S2, s2), s1_scene(S1, s1), labelled=True)
