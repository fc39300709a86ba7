from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pipeline.budget import BudgetSettings
from pipeline.funnel_step import FunnelStep
from pipeline.status import Message, OpenFailures, RunStatus, StageStatus
from pipeline.status_lines import RunAbout, short_line, status_lines

NOW = datetime(2026, 4, 1, 12, 10, tzinfo=UTC)
RUNNING = RunStatus(
    started="2026-04-01T12:00:00.000+00:00",
    ended=None,
    why_ended=None,
    last_word="",
    last_event="2026-04-01T12:09:58.000+00:00",
    stages=(StageStatus("match", 100, 100, 5.0), StageStatus("export", 25, 100, 0.25)),
    funnel=(FunnelStep("sample", 100, 100, ()), FunnelStep("seasons", 100, 40, (("no DW label", 60),))),
    requests=50,
    failed_requests=(("transient", 3), ("quota", 2)),
    received_bytes=48_000_000,
    messages=(Message("2026-04-01T12:09:00.000+00:00", "export", "0000007", "transient", "HTTP 503"),),
    open_failures=(),
    requests_this_month={"export": 36},
)
ABOUT = RunAbout("runs/nol", "recipe 'nol'", True, BudgetSettings(eecu_hours=2, eecu_s_per_pixel_request=100))


def text(status: RunStatus, *, running: bool = False) -> str:
    return "\n".join(status_lines(status, replace(ABOUT, running=running), NOW))


def test_a_running_build() -> None:
    said = text(RUNNING, running=True)
    assert "Running for 10 min 00 s; last event 2 s ago" in said
    assert "25 of 100 (25.0%)  15/min, ETA 5 min 00 s" in said
    assert "done in about 5 min 00 s" in said
    assert "less no DW label -60" in " ".join(said.split())
    assert "50 sent, 5 of them failed (3 transient, 2 quota), 48 MB received" in said
    assert "1.00 EECU-hours this month (of 2 allowed), assuming 100 s a pixel request" in said
    assert "export 0000007  transient: HTTP 503" in said
    assert "--retry" not in said


@pytest.mark.parametrize(
    ("why", "says"),
    [
        ("finished", "Not running; finished (5 min 00 s ago)"),
        ("stopped", "stopped by Ctrl-C"),
        ("budget", "goes on next month"),
        ("paused", "still to be had"),
        (None, "the last run was killed"),
    ],
)
def test_how_the_last_run_ended(why: str | None, says: str) -> None:
    ended = None if why is None else "2026-04-01T12:05:00.000+00:00"
    said = text(replace(RUNNING, ended=ended, why_ended=why))
    assert says in said
    assert "ETA" not in said


def test_the_last_minutes_and_a_long_silence() -> None:
    lately = replace(RUNNING, requests_per_s=0.5, failed_lately=(("quota", 2),))
    assert "30/min in the last 5 min (2 quota)" in text(lately, running=True)
    assert "in the last" not in text(RUNNING, running=True)
    quiet = replace(RUNNING, last_event="2026-04-01T11:59:00.000+00:00")
    assert "last event 11 min 00 s ago: it waits, or hangs" in text(quiet, running=True)
    training = replace(quiet, stages=(RUNNING.stages[0], StageStatus("pretrain", 1, 40, None)))
    assert "hangs" not in text(training, running=True)


def test_a_line_for_a_log() -> None:
    line = short_line(RUNNING, replace(ABOUT, running=True))
    assert line == (
        "export 25 of 100, 15/min, ETA 5 min 00 s; 50 requests (3 transient, 2 quota); 3600 EECU-s this month, assumed"
    )


def test_permanent_failures_come_with_the_way_to_retry_them() -> None:
    left = (OpenFailures("export", "permanent", 3, "HTTP 400: no such band"),)
    said = text(replace(RUNNING, open_failures=left))
    assert "3 locations in export, permanent: HTTP 400: no such band" in said
    assert "noldo build RECIPE --out runs/nol --retry permanent" in said
    assert "by itself" not in said
    passing = text(replace(RUNNING, open_failures=(replace(left[0], kind="quota"),)))
    assert "by itself" in passing
    assert "--retry" not in passing
