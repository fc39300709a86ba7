from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.report.requests import stage_requests


def test_attempts_are_summed_by_stage_and_other_lines_passed_over(make_run: Callable[..., Any]) -> None:
    (export,) = stage_requests(make_run().layout.events)
    assert (export.stage, export.requests, export.failed) == ("export", 3, (("transient", 1),))
    assert export.received_bytes == 4500
    assert export.median_ms == pytest.approx(12.0)


def test_no_log_is_no_requests(tmp_path: Path) -> None:
    assert stage_requests(tmp_path / "events.jsonl") == ()
