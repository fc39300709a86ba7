"""The emulator that a build starts for itself: where it dies, the build ends at once and says so."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.schema.errors import NoldoError

if TYPE_CHECKING:
    from pipeline.recipe import EmulatorSettings


@contextmanager
def own_emulator(source: "EmulatorSettings", listed: Path | None, log: Path | None) -> Iterator[str]:
    """Serve the recipe's planet for as long as the context lasts; yields the URL.

    To be used in the main thread. Raises NoldoError where the emulator does not start, or ends before the context:
    without it every request would be tried for as long as its retries last.
    """
    from pipeline.emulator.process import running_emulator

    died = threading.Event()

    def tell() -> None:
        died.set()
        # As Ctrl-C does, so that a main thread that waits for something wakes up.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    try:
        with running_emulator(
            source.seed, source.faults, source.latency_s, listed, log=log,
            targets=source.targets, flaws=source.flaws, canned=source.canned, on_death=tell,
        ) as url:  # fmt: skip
            yield url
    except (KeyboardInterrupt, NoldoError) as error:
        if not died.is_set():
            raise
        where = "" if log is None else f" (see {log})"
        raise NoldoError(
            f"the local Earth Engine that this build had started ended{where}; what was finished is kept: "
            "run the same command again to go on"
        ) from error
