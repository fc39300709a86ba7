import dataclasses
import json
from collections.abc import Callable
from typing import Any

from pipeline.report.consistency import agreements, manifest_labels
from pipeline.report.gather import RunRecord, gather
from pipeline.report.label_counts import LabelCounts, count_labels


def counted(fake: Any) -> tuple[RunRecord, LabelCounts]:
    return gather(fake.layout), count_labels(fake.layout.store("nol"), None)


def test_a_sound_run_tells_everything_twice_alike(make_run: Callable[..., Any]) -> None:
    run, counts = counted(make_run(stored=3))
    found = agreements(run, counts)
    assert [entry.what for entry in found] == ["Locations", "Rows", "Labelled pixels, by season and class"]
    assert all(entry.agrees for entry in found)


def test_a_wrong_number_anywhere_is_found(make_run: Callable[..., Any]) -> None:
    fake = make_run(stored=3)
    path = fake.layout.manifest / "statistics.json"
    statistics = json.loads(path.read_text())
    (seasons,) = statistics["label_pixels_per_season"].values()
    seasons[2][1], seasons[2][3] = seasons[2][1] + 1, seasons[2][3] - 1
    path.write_text(json.dumps(statistics))
    run, counts = counted(fake)
    assert [entry.agrees for entry in agreements(run, counts)] == [True, True, False]
    lost = dataclasses.replace(run, stored_ids=frozenset(sorted(run.stored_ids)[1:]))
    assert [entry.agrees for entry in agreements(lost, counts)] == [False, False, False]


def test_nothing_is_compared_before_it_is_there(make_run: Callable[..., Any]) -> None:
    run, counts = counted(make_run(stored=3))
    assert agreements(dataclasses.replace(run, stored_ids=frozenset(), statistics={}), counts) == ()
    older = dataclasses.replace(run, statistics={"label_pixels_per_season": [[1] * 10] * 4})
    assert manifest_labels(older) is None
    part = dataclasses.replace(counts, rows_counted=2)
    assert [entry.what for entry in agreements(run, part)] == ["Locations", "Rows"]
