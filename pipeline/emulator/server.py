"""The HTTP server: one process, a thread a connection, counts and limits for all of them."""

import functools
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Final, Self

from pipeline.emulator.canned import Canned
from pipeline.emulator.connection import Connection
from pipeline.emulator.faults import Faults, FaultStream
from pipeline.emulator.limits import MemoryLimit
from pipeline.emulator.replies import Reply
from pipeline.emulator.scene import World
from pipeline.emulator.traffic import Traffic
from pipeline.emulator.workers import Answerer, Here, Pool

STOP_S: Final = 5.0
"""How long stop() waits for open connections, seconds."""


class _Listener(ThreadingHTTPServer):
    """A threading HTTP server that can end its open connections."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: Callable[..., Any]) -> None:
        self._open: dict[threading.Thread, Any] = {}
        self._lock = threading.Lock()
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Bind without asking a name service for the host's name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Remember the connection while it is open."""
        thread = threading.current_thread()
        with self._lock:
            self._open[thread] = request
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                del self._open[thread]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over clients that went away, which retries make common; report anything else on standard error."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def end_connections(self) -> None:
        """Shut every open connection and wait for its thread."""
        with self._lock:
            waiting = dict(self._open)
        for request in waiting.values():
            try:
                request.shutdown(2)
            except OSError:
                continue
        for thread in waiting:
            thread.join(STOP_S)


class EmulatorServer:
    """Earth Engine's REST interface over a world. Use as a context manager, or start() and stop()."""

    def __init__(
        self,
        world: World,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Faults | None = None,
        fault_seed: int = 0,
        latency_s: float = 0.0,
        world_factory: Callable[[], World] | None = None,
        workers: int = 1,
        identity: Mapping[str, object] | None = None,
        flaws_of: Callable[[str], Mapping[str, object]] | None = None,
        memory: MemoryLimit | None = None,
        canned: bool = False,
        map_service: Callable[[str, str], Reply] | None = None,
    ) -> None:
        """Listen on `host` and `port` (0: any free one).

        `latency_s` is added to every compute request. With `workers` above 1, that many processes compute the
        answers, each with a world of its own from the picklable `world_factory`; ValueError without one.
        `identity` says which world this is, as plain data, at /diagnostics/planet; `flaws_of` tells of an asset id
        what is wrong with that scene on purpose, at /diagnostics/flaws?asset=ID. With `canned`, pixels are not those
        of the asked place, see pipeline.emulator.canned. `map_service` answers at /wms, see pipeline.emulator.wms.
        """
        if workers > 1 and world_factory is None:
            raise ValueError(f"{workers} workers need a world_factory")
        self.traffic = Traffic()
        computing: Answerer = Here(world, memory)
        if workers > 1 and world_factory is not None:
            computing = Pool(world_factory, workers, memory)
        self._answerer = Canned(computing) if canned else computing
        handler = functools.partial(
            Connection,
            answerer=self._answerer,
            traffic=self.traffic,
            faults=FaultStream(faults or Faults(), fault_seed),
            slow_s=(faults or Faults()).slow_s,
            latency_s=latency_s,
            identity=identity or {},
            flaws_of=flaws_of or (lambda _: {}),
            map_service=map_service,
        )
        self._listener = _Listener((host, port), handler)
        self._thread: threading.Thread | None = None
        self._serving = False

    @property
    def url(self) -> str:
        """The root to give to ee.Initialize, without a trailing slash."""
        return f"http://{self._listener.server_name}:{self._listener.server_port}"

    def serve_forever(self) -> None:
        """Serve in this thread until stop() is called from another."""
        self._serving = True
        self._listener.serve_forever(poll_interval=0.05)

    def start(self) -> None:
        """Serve in a background thread."""
        self._serving = True
        self._thread = threading.Thread(target=self.serve_forever, name="emulator", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving, end open connections and free the port."""
        if self._serving:
            self._listener.shutdown()
        if self._thread is not None:
            self._thread.join(STOP_S)
        self._listener.server_close()
        self._listener.end_connections()
        self._answerer.close()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()
