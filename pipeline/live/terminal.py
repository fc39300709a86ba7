"""A run watched from a terminal: the screen redrawn in place, or a line now and then where nothing can be redrawn."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from pipeline.live.look import Look

WATCH_S: Final = 2.0
"""How often it looks again, seconds; longer where reading takes long."""

LINE_S: Final = 10.0
"""How often at most a line is written, seconds."""

SHARE: Final = 0.2
"""Of the time that looking may take, where it takes long."""


def watch(look: Look, console: Console | None = None, every_s: float = WATCH_S) -> None:
    """Show the run until no build holds it any more; its last state stays on the screen."""
    screen = console or Console(highlight=False)
    if not screen.is_terminal or screen.is_dumb_terminal:
        _in_lines(look, screen, every_s)
        return
    with Live(_text(look), console=screen, auto_refresh=False, vertical_overflow="ellipsis") as live:
        _until_ended(look, every_s, lambda: live.update(_text(look), refresh=True))


def watch_json(look: Look, say: Callable[[str], None], every_s: float = WATCH_S) -> None:
    """One JSON object a line for every look, the last one with `running` false."""
    say(json.dumps(look.plain()))
    _until_ended(look, every_s, lambda: say(json.dumps(look.plain())))


def _in_lines(look: Look, console: Console, every_s: float) -> None:
    said, said_at = "", -LINE_S

    def say() -> None:
        nonlocal said, said_at
        line = look.line()
        if look.running and line != said and time.monotonic() - said_at >= LINE_S:
            said, said_at = line, time.monotonic()
            console.print(Text(f"{datetime.now(UTC):%H:%M:%S} {line}"), soft_wrap=True)

    say()
    _until_ended(look, every_s, say)
    console.print(Text("\n".join(look.lines())), soft_wrap=True)


def _until_ended(look: Look, every_s: float, show: Callable[[], None]) -> None:
    took_s = 0.0
    while look.running:
        time.sleep(max(every_s, took_s / SHARE))
        began = time.monotonic()
        look.again()
        took_s = time.monotonic() - began
        show()


def _text(look: Look) -> Text:
    return Text("\n".join(look.lines()), no_wrap=True, overflow="ellipsis")
