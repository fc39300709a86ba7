"""The emulator in a process of its own, for as long as a context lasts."""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pipeline.schema.errors import NoldoError

END_S: Final = 10.0
"""How long the process may take to end by itself, seconds."""


@contextmanager
def running_emulator(
    seed: int,
    faults: str,
    latency_s: float,
    locations: Path | None,
    port: int = 0,
    log: Path | None = None,
    workers: int = 1,
) -> Iterator[str]:
    """Serve a planet from a child process and yield its URL.

    The child ends with the context, and by itself when this process dies. Its standard error goes to `log`.
    Raises NoldoError where it does not start, with its own last words.
    """
    command = [sys.executable, "-m", "pipeline.emulator", "--end-with-stdin", "--port", str(port)]
    command += ["--seed", str(seed), "--faults", faults, "--latency", str(latency_s), "--workers", str(workers)]
    if locations is not None:
        command += ["--locations", str(locations)]
    with contextlib.ExitStack() as stack:
        errors: Any = stack.enter_context(_errors_file(log))
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        stack.callback(_end, child)
        assert child.stdout is not None
        url = child.stdout.readline().decode().strip()
        if not url:
            child.wait(END_S)
            raise NoldoError(f"the emulator did not start: {_last_line(errors)}")
        yield url


def _errors_file(log: Path | None) -> Any:
    return tempfile.TemporaryFile() if log is None else log.open("w+b")


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Close the child's input, which tells it to end, and kill it where it does not."""
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        child.stdin.close()
    try:
        child.wait(END_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    child.stdout.close()


def _last_line(errors: Any) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
