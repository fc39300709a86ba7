import dataclasses
from collections.abc import Callable
from typing import Any

from pipeline.report.flags import LOOKED_FOR, flag_views
from pipeline.report.gather import gather
from pipeline.schema.records import Lack


def test_each_flag_tells_what_was_asked_for_and_who_fell_short(made_once: Callable[..., Any]) -> None:
    flags = {flag.name: flag for flag in flag_views(gather(made_once(stored=4).layout))}
    labels = flags["too few labels"]
    assert (labels.limit, labels.flagged, labels.dropped, labels.by_season) == (
        "60 % of the pixels labelled", 1, 1, (0, 0, 0, 1),
    )  # fmt: skip
    assert labels.meaning.startswith("Dynamic World masked too much")
    assert (flags["no DW label"].dropped, flags["no DW label"].by_season) == (1, (0, 0, 1, 0))
    assert flags["no S2 scene"].limit == "under 20 % cloud"
    assert (flags["S2 offset"].dropped, flags["S2 offset"].limit) == (0, "")
    assert flags["S1-S2 shift"].limit == "measured, drops nothing"
    assert (flags["pixels could not be had"].dropped, flags["pixels could not be had"].by_season) == (1, ())
    assert flags["no <S1> & scene"].meaning == ""


def test_a_location_counts_once_for_each_thing_that_it_lacks(made_once: Callable[..., Any]) -> None:
    run = gather(made_once(stored=4).layout)
    worse = dataclasses.replace(
        run.quality[0], kept=False, reason="S2 nodata",
        lacking=(Lack(0, "S2 nodata"), Lack(1, "too few labels"), Lack(2, "too few labels")),
    )  # fmt: skip
    flags = {f.name: f for f in flag_views(dataclasses.replace(run, quality=(worse, *run.quality[1:])))}
    assert (flags["S2 nodata"].dropped, flags["S2 nodata"].flagged) == (1, 1)
    labels = flags["too few labels"]
    assert (labels.dropped, labels.flagged, labels.by_season) == (1, 2, (0, 1, 1, 1))


def test_what_the_build_has_not_looked_at_is_left_out(made_once: Callable[..., Any]) -> None:
    run = gather(made_once(stored=4).layout)
    begun = [flag.name for flag in flag_views(dataclasses.replace(run, quality=(), exports=()))]
    assert set(LOOKED_FOR["seasons"]) <= set(begun)
    assert not set(LOOKED_FOR["quality"]) & set(begun)
    assert flag_views(dataclasses.replace(run, quality=(), exports=(), verdicts=())) == ()
