import io

import pytest
from rich.console import Console

from pipeline.progress import Display


def test_plain_lines_where_there_is_no_terminal() -> None:
    text = io.StringIO()
    with Display(Console(file=text, width=200)) as display:
        display.update("export", 0, 8)
        for done in range(1, 8):
            display.update("export", done, 8)
        display.update("export", 8, 8, detail="all there")
        display.note("http://127.0.0.1:8787/status")
    lines = text.getvalue().splitlines()
    assert lines[0].startswith("export: 0/8 locations")
    assert lines[1].startswith("export: 8/8 locations")
    assert lines[1].endswith("all there")
    assert len(lines) == 3


def test_what_was_there_already_tells_nothing_of_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 100.0])
    monkeypatch.setattr("pipeline.progress.time.monotonic", lambda: next(now))
    text = io.StringIO()
    with Display(Console(file=text, width=200)) as display:
        display.update("export", 0, 1000)
        display.update("export", 500, 1000, reused=400)
    assert text.getvalue().splitlines()[1] == "export: 500/1000 locations, 1.0/s, ETA 500 s"


def test_bars_in_a_terminal() -> None:
    text = io.StringIO()
    with Display(Console(file=text, width=120, force_terminal=True)) as display:
        display.update("match", 3, 4)
        display.update("pretrain", 10, 20, unit="steps", detail="loss 0.4")
    screen = text.getvalue()
    assert "3/4" in screen
    assert "10/20" in screen
    assert "loss 0.4" in screen
