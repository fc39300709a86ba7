"""`python -m pipeline.emulator`: serve a planet until told to stop."""

import argparse
import functools
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from pipeline.emulator.faults import parse_faults
from pipeline.emulator.planet import Planet
from pipeline.emulator.server import EmulatorServer
from pipeline.schema.errors import NoldoError, UsageError


def serve(
    port: int,
    seed: int,
    faults: str,
    latency_s: float,
    locations: Path | None,
    *,
    workers: int = 1,
    end_with_stdin: bool = False,
) -> None:
    """Serve until interrupted; the first line on standard output is the URL.

    With `end_with_stdin`, also until standard input closes. Raises UsageError for a bad fault spec or a taken port.
    """
    chosen = parse_faults(faults)
    factory = functools.partial(Planet, seed, locations)
    try:
        server = EmulatorServer(
            factory(),
            port=port,
            faults=chosen,
            fault_seed=seed,
            latency_s=latency_s,
            world_factory=factory,
            workers=workers,
        )
    except OSError as error:
        raise UsageError(f"port {port} cannot be used ({error.strerror}); choose another one") from error
    stopping = threading.Event()

    def stop(*_: Any) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if end_with_stdin:
        threading.Thread(target=_wait_for_end_of_input, args=(stopping,), daemon=True).start()
    with server:
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()
        stopping.wait()


def _wait_for_end_of_input(stopping: threading.Event) -> None:
    while sys.stdin.buffer.read(4096):
        continue
    stopping.set()


def main() -> int:
    """Parse the command line and serve; 0, or the exit status of an expected failure."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--faults", default="")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds added to every compute request")
    parser.add_argument("--locations", type=Path, default=None)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--end-with-stdin", action="store_true")
    given = parser.parse_args()
    try:
        serve(
            given.port,
            given.seed,
            given.faults,
            given.latency,
            given.locations,
            workers=given.workers,
            end_with_stdin=given.end_with_stdin,
        )
    except NoldoError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
