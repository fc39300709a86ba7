"""Writes the live page beside a build, on a thread of the driver that takes at most a hundredth of a core."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pipeline.event_log import EventTail
from pipeline.files import is_local, write_bytes
from pipeline.live.about import read_recipe, run_about
from pipeline.live.page import GRACE_S, RUNNING, render
from pipeline.live.previews import SHOWN, Previews
from pipeline.live.training import read_training
from pipeline.live.view import live_view
from pipeline.schema.layout import RunLayout
from pipeline.status import StatusReader

PICTURED: Final = 2
"""Locations that one page makes pictures of: each takes some 30 ms, and all at once would hold the next page up."""


@dataclass(frozen=True)
class LiveTimes:
    """How often the page is written."""

    first_s: float = 1.0
    """How often to look whether a stage has begun (in object storage, `every_s`): a build that finds nothing to do
    writes no page."""
    every_s: float = 5.0
    stored_every_s: float = 60.0
    """The same in object storage, where every write is paid for."""
    share: float = 0.01
    """Of one core's time that the page may take: where it takes longer, it is written more rarely."""
    grace_s: float = GRACE_S
    """How much later than promised the next page may be before the one that is open says that nobody writes."""
    ending_s: float = 10.0
    """How long the end of a build waits for the page that tells of it."""


TIMES: Final = LiveTimes()


@contextmanager
def live_page(run: RunLayout, note: Callable[[str], None], times: LiveTimes = TIMES) -> Iterator[None]:
    """Keep `run.live` written while the build runs, and say on it at last how the build ended.

    `note` is told where the page lies. Whatever goes wrong with it is told once and disturbs nothing.
    """
    page = _Page(run, note, times)
    thread = threading.Thread(target=page.write_until_the_end, name="live page", daemon=True)
    thread.start()
    try:
        yield
    finally:
        page.stopping.set()
        thread.join(times.ending_s)


class _Page:
    """The page of one build, for one thread."""

    def __init__(self, run: RunLayout, note: Callable[[str], None], times: LiveTimes) -> None:
        self.stopping = threading.Event()
        self._run, self._note, self._times = run, note, times
        self._tail, self._reader = EventTail(run.events), StatusReader()
        self._every_s = times.every_s if is_local(run.root) else times.stored_every_s
        self._recipe: Mapping[str, Any] | None = None
        self._previews: Previews | None = None
        # Events are written to the millisecond, rounded down.
        self._since = datetime.now(UTC) - timedelta(milliseconds=1)
        self._began = time.monotonic()
        self._cpu_s = self._turn_s = 0.0
        self._next_s = self._every_s
        """What the page that was written last promises."""
        self._written = self._failed = False

    def write_until_the_end(self) -> None:
        """Write the page again and again while the build runs, and then how it ended, where a page says otherwise."""
        self._keep_writing()
        self._try(running=False)

    def _keep_writing(self) -> None:
        pause_s = self._times.first_s if is_local(self._run.root) else self._times.every_s
        while not self._begun():
            if self.stopping.wait(pause_s):
                return
        if self._try(running=True):
            self._say(f"Live page: {self._run.live}")
        while not self.stopping.wait(self._next_s):
            self._try(running=True)

    def _begun(self) -> bool:
        began = time.thread_time()
        try:
            self._read()
        except Exception as error:  # noqa: BLE001 - a view of the build must not end it
            self._tell(error)
        self._cpu_s += time.thread_time() - began
        return self._reader.begun_since(self._since)

    def _pause_s(self) -> float:
        """Until the next page: its share of the processor is never more than was set."""
        return max(self._every_s, self._turn_s / self._times.share)

    def _try(self, *, running: bool) -> bool:
        began = time.thread_time()
        try:
            if running or self._written or self._says_running():
                self._write(running=running)
                self._written = True
        except Exception as error:  # noqa: BLE001 - a view of the build must not end it
            self._tell(error)
            return False
        finally:
            self._turn_s = time.thread_time() - began
            self._cpu_s += self._turn_s
        return True

    def _says_running(self) -> bool:
        """Whether a build that was killed left its page."""
        return self._run.live.exists() and RUNNING in self._run.live.read_text()

    def _tell(self, error: Exception) -> None:
        if not self._failed:
            self._failed = True
            self._say(f"the live page cannot be written ({error}); the build goes on without it")

    def _say(self, line: str) -> None:
        with suppress(OSError, ValueError):  # a terminal that was closed, a full disk behind it
            self._note(line)

    def _read(self) -> None:
        """Take what was written down since the last time; the first time, by earlier runs too."""
        for event in self._tail.new():
            self._reader.take(event)

    def _write(self, *, running: bool) -> None:
        run, now = self._run, datetime.now(UTC)
        self._read()
        self._recipe = self._recipe or read_recipe(run)
        self._previews = self._previews or Previews(run, self._recipe)
        about = run_about(run, str(run.root), self._recipe, running=running)
        status = self._reader.status(now)
        self._next_s = self._pause_s()
        view = live_view(
            run.root.name,
            status,
            about,
            read_training(run, since=status.started),
            self._previews.latest(PICTURED if running else SHOWN),
            now=now,
            next_s=self._next_s,
            cpu_s=self._cpu_s,
            elapsed_s=time.monotonic() - self._began,
        )
        report = run.report.name if not running and run.report.exists() else ""
        write_bytes(run.live, render(view, report=report, grace_s=self._times.grace_s).encode())
