from collections.abc import Callable
from typing import Any

from pipeline.report.fates import KEPT, UNFINISHED, details, fates
from pipeline.report.gather import gather


def test_every_location_has_one_fate(make_run: Callable[..., Any]) -> None:
    fake = make_run(stored=4)
    assert list(fates(gather(fake.layout)).values()) == [
        *[KEPT] * 4, "no DW label", "no <S1> & scene", "export failed (permanent)", "too few labels",
    ]  # fmt: skip


def test_what_the_build_has_not_reached_is_not_called_dropped(make_run: Callable[..., Any]) -> None:
    layout = make_run(stored=2).layout
    layout.index.unlink()
    layout.table("quality", 0).unlink()
    fate = fates(gather(layout))
    assert list(fate.values()).count(UNFINISHED) == 3
    assert KEPT not in fate.values()


def test_what_went_has_the_words_of_the_filter_that_it_failed_last(make_run: Callable[..., Any]) -> None:
    run = gather(make_run(stored=4).layout)
    ids = [location.location_id for location in run.locations]
    assert details(run) == {
        ids[4]: "season 2: no DW label",
        ids[5]: "season 0: no <S1> & scene",
        ids[6]: "refused",
        ids[7]: "season 3: valid share 0.1 < 0.6",
    }
