from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.budget import BudgetSettings
from pipeline.funnel_step import FunnelStep
from pipeline.live.training import TrainingView
from pipeline.live.view import LiveView, live_view
from pipeline.status import OpenFailures, RunStatus, StageStatus
from pipeline.status_lines import RunAbout

NOW = datetime(2026, 4, 1, 12, 10, tzinfo=UTC)
STATUS = RunStatus(
    started="2026-04-01T12:00:00.000+00:00",
    ended=None,
    why_ended=None,
    last_word="",
    last_event="2026-04-01T12:09:58.000+00:00",
    stages=(StageStatus("match", 100, 100, 5.0), StageStatus("export", 25, 100, 0.25)),
    funnel=(FunnelStep("sample", 100, 100, ()), FunnelStep("seasons", 80, 40, (("no DW label", 40),))),
    requests=50,
    failed_requests=(("transient", 3), ("quota", 2)),
    received_bytes=48_000_000,
    messages=(),
    open_failures=(OpenFailures("export", "transient", 3, "reset"), OpenFailures("match", "transient", 1, "reset")),
    requests_this_month={"export": 36},
    requests_per_s=0.5,
    failed_lately=(("quota", 1),),
)
ABOUT = RunAbout("runs/nol", "recipe 'nol'", True, BudgetSettings(eecu_s_per_pixel_request=100))


def view(status: RunStatus = STATUS, training: TrainingView | None = None, **about: Any) -> LiveView:
    times: dict[str, Any] = {"now": NOW, "next_s": 5.0, "cpu_s": 0.5, "elapsed_s": 600.0}
    return live_view("nol", status, replace(ABOUT, **about), training, (), **times)


def facts(shown: LiveView) -> dict[str, tuple[str, str]]:
    return {fact.key: (fact.value, fact.note) for fact in shown.facts}


def test_a_build_under_way() -> None:
    shown = view()
    assert shown.state == "Running for 10 min 00 s; last event 2 s ago"
    assert shown.progress == "export 25%"
    assert facts(shown) == {
        "done": ("25%", "export, 100 locations"),
        "rate": ("15/min", "locations through export in the last 5 min"),
        "eta": ("5 min 00 s", "until all that has begun is done"),
        "requests": ("50", "30/min, 48 MB received"),
        "refused": ("2", "1 in the last 5 min"),
        "failed": ("3", "0 in the last 5 min"),
        "open": ("4", "locations failed"),
        "compute": ("3\u202f600 EECU-s", "1 EECU-h this month, assumed; no limit set"),
    }
    assert [(one.kind, one.requests, one.lately, one.open) for one in shown.failures] == [
        ("transient", 3, 0, 4), ("quota", 2, 1, 0),
    ]  # fmt: skip
    assert [(step.kept, step.entered, step.share) for step in shown.funnel] == [(100, 100, 1.0), (40, 80, 0.4)]
    assert shown.cpu_share == pytest.approx(1 / 1200)


def test_pretraining_is_a_stage_of_epochs() -> None:
    done = replace(STATUS, stages=(StageStatus("pack", 40, 40, None),))
    shown = view(done, TrainingView(10, 40, 2.5, 2.75))
    assert facts(shown)["done"] == ("25%", "pretrain, 40 epochs")
    assert facts(shown)["eta"] == ("–", "all that has begun is done")
    assert (shown.stages[-1].done, shown.stages[-1].note) == (10, "loss 2.500, validation 2.750")


def test_a_long_silence_is_doubted() -> None:
    quiet = replace(STATUS, last_event="2026-04-01T11:59:00.000+00:00")
    assert view(quiet).state == "Running for 10 min 00 s; last event 11 min 00 s ago: it waits, or hangs"
    assert "hangs" not in view(replace(quiet, stages=STATUS.stages[:1])).state  # pretraining writes no events


@pytest.mark.parametrize(
    ("why", "word", "says"),
    [
        ("finished", "", "Finished"),
        ("failed", "disk full", "Ended by an error; the same command goes on when it is put right\ndisk full"),
        (None, "", "Ended; why could not be written down"),
    ],
)
def test_how_it_ended(why: str | None, word: str, says: str) -> None:
    shown = view(replace(STATUS, why_ended=why, last_word=word), running=False)
    assert shown.state == says
    assert facts(shown)["rate"][0] == facts(shown)["eta"][0] == "–"
    assert all(stage.note == "" for stage in shown.stages)


def test_nothing_has_begun() -> None:
    bare = replace(STATUS, stages=(), funnel=(), open_failures=(), failed_requests=())
    shown = view(bare)
    assert facts(shown)["done"] == ("–", "no stage has begun yet")
    assert facts(shown)["eta"] == ("–", "not known yet")
    assert (shown.funnel, shown.failures, shown.progress) == ((), (), "")
