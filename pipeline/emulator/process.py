"""The emulator as a process: serving in this one, or in a child for as long as a context lasts."""

import contextlib
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from pipeline.emulator.faults import parse_faults
from pipeline.emulator.limits import MemoryLimit
from pipeline.emulator.planet_spec import PlanetSpec
from pipeline.emulator.server import EmulatorServer
from pipeline.emulator.wms import LandUseService
from pipeline.schema.errors import NoldoError, UsageError

END_S: Final = 10.0
"""How long the process may take to end by itself, seconds."""

ASK_S: Final = 5.0
"""How long a running emulator may take to say which planet it is, seconds."""


def planet_of(url: str) -> dict[str, object]:
    """The planet that a running emulator serves, in the form of PlanetSpec.identity.

    Raises NoldoError where no emulator answers there.
    """
    with requests.Session() as session:
        # A proxy that the environment names cannot reach this machine's own ports.
        session.trust_env = urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1")
        try:
            answer = session.get(f"{url.rstrip('/')}/diagnostics/planet", timeout=ASK_S)
            answer.raise_for_status()
            told = answer.json()
        except requests.HTTPError as error:
            status = error.response.status_code
            raise NoldoError(
                f"{url} does not say which planet it serves (HTTP {status}); "
                "give the address that 'noldo emulator serve' printed"
            ) from error
        except requests.RequestException as error:
            raise NoldoError(f"no emulator answers at {url}; start one there or correct the address") from error
    if not isinstance(told, dict):
        raise NoldoError(f"{url} does not say which planet it serves; give the address of 'noldo emulator serve'")
    return told


@contextmanager
def running_emulator(
    seed: int,
    faults: str,
    latency_s: float,
    locations: Path | None,
    port: int = 0,
    log: Path | None = None,
    workers: int = 1,
    *,
    targets: str = "",
    flaws: str = "",
    memory_bands: int | None = None,
    canned: bool = False,
    on_death: Callable[[], None] | None = None,
) -> Iterator[str]:
    """Serve a planet from a child process and yield its URL; see PlanetSpec and EmulatorServer for the options.

    The child ends with the context, and by itself when this process dies; a terminal's Ctrl-C does not reach it.
    Where it ends before, `on_death` is called in another thread. Its standard error goes to `log`.
    Raises NoldoError where it does not start, with its own last words.
    """
    command = [sys.executable, "-m", "pipeline.emulator", "--end-with-stdin", "--port", str(port)]
    command += ["--seed", str(seed), "--faults", faults, "--latency", str(latency_s), "--workers", str(workers)]
    command += ["--targets", targets, "--flaws", flaws]
    command += [] if locations is None else ["--locations", str(locations)]
    command += [] if memory_bands is None else ["--memory-bands", str(memory_bands)]
    command += ["--canned"] if canned else []
    with contextlib.ExitStack() as stack:
        errors: Any = stack.enter_context(_errors_file(log))
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, process_group=0)
        stack.callback(_end, child)
        assert child.stdout is not None
        url = child.stdout.readline().decode().strip()
        if not url:
            status = child.wait(END_S)
            if status < 0:
                raise NoldoError(
                    f"the local Earth Engine was ended while it started (signal {-status}); run the same command again"
                )
            raise NoldoError(f"the local Earth Engine did not start: {_last_line(errors)}")
        if on_death is not None:
            stack.enter_context(_watched(child, on_death))
        yield url


@contextmanager
def _watched(child: "subprocess.Popen[bytes]", on_death: Callable[[], None]) -> Iterator[None]:
    """Call `on_death` if the child ends within the context."""
    over = threading.Event()

    def watch() -> None:
        child.wait()
        if not over.is_set():
            on_death()

    threading.Thread(target=watch, name="emulator watch", daemon=True).start()
    try:
        yield
    finally:
        over.set()


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


def serve(
    port: int,
    spec: PlanetSpec,
    faults: str,
    latency_s: float,
    *,
    host: str = "127.0.0.1",
    memory_bands: int | None = None,
    workers: int = 1,
    end_with_stdin: bool = False,
) -> None:
    """Serve until interrupted; the first line on standard output is the URL.

    With `end_with_stdin`, also until standard input closes. Raises UsageError for a bad list of faults, flaws or
    targets, a taken port, or an address that is not this machine's.
    """
    chosen = parse_faults(faults)
    try:
        server = EmulatorServer(
            spec.world(),
            host=host,
            port=port,
            faults=chosen,
            fault_seed=spec.seed,
            latency_s=latency_s,
            world_factory=spec.world,
            workers=workers,
            identity=spec.identity(),
            flaws_of=spec.flaws_of,
            memory=MemoryLimit(memory_bands),
            canned=spec.canned,
            map_service=LandUseService(spec.seed),
        )
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"port {port} cannot be used at {host} ({reason}); choose another one") from error
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
