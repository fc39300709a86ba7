"""One progress display for a whole run: a bar a stage in a terminal, a plain line now and then elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

_LINE_EVERY_S = 10.0


class Display:
    """Shows stages as they advance, on standard error; use as a context manager."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._tasks: dict[str, TaskID] = {}
        self._started: dict[str, float] = {}
        self._last_line: dict[str, float] = {}
        self._progress = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:>12}"),
            TextColumn("ETA"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            TextColumn("{task.fields[detail]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )

    def __enter__(self) -> Self:
        """Start drawing."""
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Stop drawing, leaving the last state on the screen."""
        self._progress.stop()

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._console.print(Text(text), soft_wrap=True)

    def update(
        self, stage: str, done: int, total: int, *, reused: int = 0, unit: str = "locations", detail: str = ""
    ) -> None:
        """Set how far a stage is: `done` of `total`, in `unit`; `reused` of them were there already."""
        made = done - reused
        now = time.monotonic()
        elapsed = now - self._started.setdefault(stage, now)
        rate = f"{made / elapsed:.1f}/s" if made and elapsed > 0.5 else ""
        if self._console.is_terminal:
            if stage not in self._tasks:
                self._tasks[stage] = self._progress.add_task(stage, total=total, rate="", detail="")
            self._progress.update(self._tasks[stage], completed=done, total=total, rate=rate, detail=detail)
            return
        finished = done == total
        if finished or now - self._last_line.get(stage, -_LINE_EVERY_S) >= _LINE_EVERY_S:
            self._last_line[stage] = now
            eta = f", ETA {elapsed * (total - done) / made:.0f} s" if made and not finished else ""
            words = (
                f"{stage}: {done}/{total} {unit}",
                f", {rate}" if rate else "",
                eta,
                f" {detail}" if detail else "",
            )
            self._console.print(Text("".join(words)), soft_wrap=True)
