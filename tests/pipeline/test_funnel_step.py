import json
from dataclasses import asdict

from pipeline.funnel_step import FunnelStep, funnel_lines, joined, step_from

FIRST = FunnelStep("seasons", 5, 2, (("no DW", 2), ("no S2", 1)), (("no DW", (0, 2, 0, 1)), ("no S2", (1, 0, 0, 0))))
SECOND = FunnelStep("seasons", 4, 1, (("no S2", 3),), (("no S2", (3, 3, 0, 0)),))


def test_parts_add_up_in_any_order() -> None:
    both = joined("seasons", [FIRST, SECOND])
    assert both == joined("seasons", [SECOND, FIRST])
    assert (both.entered, both.kept, both.reasons) == (9, 3, (("no S2", 4), ("no DW", 2)))
    assert both.by_season == (("no S2", (4, 3, 0, 0)), ("no DW", (0, 2, 0, 1)))
    assert joined("seasons", []) == FunnelStep("seasons", 0, 0, ())


def test_a_step_comes_back_from_an_event() -> None:
    assert step_from(json.loads(json.dumps(asdict(FIRST)))) == FIRST


def test_lines() -> None:
    text = funnel_lines([FunnelStep("sample", 5, 5, ()), FIRST], by_season=True)
    assert [line.split() for line in text][1:4] == [
        ["four", "seasons", "with", "S2,", "S1", "and", "a", "label", "2"],
        ["less", "no", "DW", "-2"],
        ["less", "no", "S2", "-1"],
    ]
    assert text[-2].split() == ["no", "DW", "0", "2", "0", "1"]
    assert len(funnel_lines([FIRST])) == 3


def test_files_that_are_no_tiles_are_taken_from_the_files() -> None:
    text = funnel_lines([FunnelStep("tiles", 34, 32, (("not a GeoTIFF", 2),)), FunnelStep("pair", 32, 32, ())])
    assert [line.rsplit(maxsplit=1)[1] for line in text] == ["34", "32", "-2", "32"]
    assert "files found" in text[0]
    assert len(funnel_lines([FunnelStep("tiles", 32, 32, ())])) == 1
