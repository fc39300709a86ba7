from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pipeline.funnel import funnel
from pipeline.parts import write_part
from pipeline.report.fates import KEPT, UNFINISHED, details, fates
from pipeline.report.gather import gather
from pipeline.schema.errors import FailureKind
from pipeline.schema.records import ExportRecord


def test_every_location_has_one_fate(make_run: Callable[..., Any]) -> None:
    fake = make_run(stored=4)
    assert list(fates(gather(fake.layout)).values()) == [
        *[KEPT] * 4, "no DW label", "no <S1> & scene", "pixels could not be had", "too few labels",
    ]  # fmt: skip


def test_the_map_counts_as_the_funnel_does(make_run: Callable[..., Any]) -> None:
    layout = make_run(stored=4).layout
    exports = list(gather(layout).exports)
    failed = [replace(exports[at], failure_kind=kind) for at, kind in enumerate(FailureKind)]
    write_part(layout.table("export", 0), ExportRecord, [*failed, *exports[len(failed) :]], "c")
    run = gather(layout)
    run = replace(run, stored_ids=frozenset(), quality=())
    step = funnel(8, run.verdicts, run.exports, ())[2]
    counted = Counter(fates(run).values())
    assert {reason: counted[reason] for reason, _ in step.reasons} == dict(step.reasons)


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
