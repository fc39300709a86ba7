import json
from datetime import date
from pathlib import Path

import pytest

from benchmarks.hardware import Hardware
from benchmarks.result import BenchmarkResult, Figure
from pipeline.schema.errors import UsageError

MACHINE = Hardware("Some(R) CPU @ 3.00GHz", 2, 25.3, "Linux x86_64", "3.11.7", 0.4)


def result(*figures: Figure) -> BenchmarkResult:
    return BenchmarkResult("export", date(2026, 11, 21), MACHINE, {"workers": 2}, figures)


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (Figure("a", 0.95, at_least=0.95), True),
        (Figure("a", 0.949, at_least=0.95), False),
        (Figure("a", 60.0, at_most=60.0), True),
        (Figure("a", 60.1, at_most=60.0), False),
        (Figure("a", 1.0), None),
    ],
)
def test_a_goal_is_met_up_to_itself(figure: Figure, met: bool | None) -> None:
    assert figure.met is met


def test_lines_set_goal_and_figure_side_by_side() -> None:
    lines = result(Figure("busy", 0.91234, at_least=0.95), Figure("staged", 141.0)).lines()
    assert lines[-2].split() == ["busy", "0.9123", "at", "least", "0.95", "MISSED"]
    assert lines[-1].split() == ["staged", "141"]
    assert "Some(R) CPU" in lines[0]


def test_it_is_kept_under_theme_hardware_and_date(tmp_path: Path) -> None:
    kept = result(Figure("busy", 0.96, at_least=0.95)).write(tmp_path)
    assert kept == tmp_path / "2026-11-21-export-2-core-some.json"
    plain = json.loads(kept.read_text())
    assert plain["hardware"]["cores"] == 2
    assert plain["figures"] == [
        {"name": "busy", "value": 0.96, "unit": "", "at_least": 0.95, "at_most": None, "met": True}
    ]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        result().write(tmp_path / "nowhere" / "result.json")
