import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pipeline.report.gather import gather
from pipeline.report.label_counts import LabelCounts
from pipeline.report.training_log import ScoreSet, TrainingResult
from pipeline.report.views import class_agreement, class_scores, funnel_views, mean_share, score_rows


def test_the_funnel_tells_each_step_and_each_reason(make_run: Callable[..., Any]) -> None:
    views = funnel_views(gather(make_run(stored=4).layout))
    assert [(v.name, v.kept, v.pending) for v in views] == [
        ("Sampled", 8, 0),
        ("Four seasons matched", 6, 0),
        ("Pixels exported", 5, 0),
        ("Pixels good enough", 4, 0),
    ]
    assert views[1].reasons == (("no <S1> & scene", 1), ("no DW label", 1))
    assert views[2].reasons == (("pixels could not be had", 1),)
    assert views[3].reasons == (("too few labels", 1),)
    assert views[3].share == 0.5
    lost = sum(count for view in views for _, count in view.reasons)
    assert views[0].kept - lost == views[-1].kept


def test_a_build_that_stopped_early_has_steps_left_and_none_lost(make_run: Callable[..., Any]) -> None:
    run = gather(make_run(stored=4).layout)
    early = dataclasses.replace(run, quality=(), exports=run.exports[:2])
    views = funnel_views(early)
    assert [v.name for v in views] == ["Sampled", "Four seasons matched", "Pixels exported"]
    assert (views[2].kept, views[2].pending) == (2, 4)


def labelled(confusion: np.ndarray) -> LabelCounts:
    labels = np.tile(confusion.sum(axis=0), (4, 1))
    return LabelCounts(1, 1, labels, np.full(4, 10), confusion[None].sum(axis=1), confusion)


def test_recall_and_precision_are_of_rows_and_of_columns() -> None:
    confusion = np.zeros((9, 9), dtype=np.int64)
    confusion[1, 1], confusion[1, 2], confusion[2, 2] = 30, 10, 10
    rows = class_agreement(labelled(confusion))
    assert (rows[1].pixels, rows[1].recall, rows[1].precision) == (40, 0.75, 1.0)
    assert (rows[2].pixels, rows[2].recall, rows[2].precision) == (10, 1.0, 0.5)
    assert rows[1].shares[2] == 0.25
    assert rows[5].recall is None
    assert set(rows[5].shares) == {None}


def test_the_share_of_labelled_pixels() -> None:
    confusion = np.zeros((9, 9), dtype=np.int64)
    confusion[0, 0] = 90
    assert mean_share(labelled(confusion)) == pytest.approx(0.9)


def test_score_tables_hold_what_the_run_has_in_the_pages_order() -> None:
    full = ScoreSet(0.7, 0.6, 0.5, 0.55, (0.1,) * 9, tuple(n / 10 for n in range(9)))
    bare = ScoreSet(0.4)
    result = TrainingResult(scores={"majority_class": bare, "unheard_of": full, "network_s2": full})
    rows = score_rows(result)
    assert [row.values[0] for row in rows] == [0.7, 0.4]
    assert rows[1].values[1:] == (None, None, None)
    names, by_class = class_scores(result)
    assert names == ("Network, Sentinel\u20112",)
    assert [row.iou for row in by_class] == [(n / 10,) for n in range(9)]
    assert class_scores(TrainingResult()) == ((), ())
