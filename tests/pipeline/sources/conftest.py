"""A scripted stand-in for the Earth Engine REST service: real client documents, canned answers."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import ee
import pytest

from pipeline.sources.earthengine import EarthEngineSpec
from pipeline.sources.retry import RetryPolicy

DOCUMENTS = Path(ee.__file__).parent / "tests"


@dataclass(frozen=True)
class Reply:
    body: bytes = b'{"result": []}'
    status: int = 200
    content_type: str = "application/json; charset=UTF-8"
    declared: int | None = None
    """Content-Length where it differs from the body's."""
    chunked: bool = False
    """Send the body as one chunk, with a Content-Length beside it all the same."""
    reset: bool = False
    retry_after: str = ""
    """The header, where it is not empty."""
    stall: bool = False
    """Answer only when the test is over."""


@dataclass
class Service:
    url: str
    script: deque[Reply] = field(default_factory=deque)
    """Answers to the next POSTs; then `answer`."""
    start_up: deque[Reply] = field(default_factory=deque)
    """Answers to the next GETs; then the client's own documents."""
    answer: Callable[[str, Any], Reply] = lambda _path, _body: Reply()
    requests: list[tuple[str, Any]] = field(default_factory=list)
    """(path, body) of every POST."""
    authorization: str | None = None
    """Of the last POST."""
    over: threading.Event = field(default_factory=threading.Event)

    def will_send(self, body: bytes | Any = b"", times: int = 1, **changes: Any) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.script.extend([Reply(body=raw, **changes)] * times)

    def will_refuse(self, status: int, message: str, times: int = 1) -> None:
        error = {"error": {"code": status, "message": message, "status": "X"}}
        self.will_send(error, times, status=status)

    def spec(self, **changes: Any) -> EarthEngineSpec:
        retry = RetryPolicy(attempts=3, base_s=0.001, cap_s=0.002)
        settings = {"project": "test-project", "anonymous": True, "retry": retry, "timeout_s": 5.0}
        return EarthEngineSpec(url=self.url, **{**settings, **changes})


def _document(service: Service, path: str) -> Reply:
    if "discovery" not in path:
        return Reply((DOCUMENTS / "algorithms.json").read_bytes())
    text = (DOCUMENTS / "cloud_api_discovery_document.json").read_text().replace("v1alpha", "v1")
    return Reply(json.dumps(json.loads(text) | {"rootUrl": service.url, "baseUrl": service.url}).encode())


def _handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(service.start_up.popleft() if service.start_up else _document(service, self.path))

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/token":
                self._send(Reply(b'{"access_token": "throw-away", "expires_in": 3600}'))
                return
            body = json.loads(raw)
            service.authorization = self.headers.get("authorization")
            service.requests.append((self.path.partition("?")[0], body))
            self._send(service.script.popleft() if service.script else service.answer(self.path, body))

        def _send(self, reply: Reply) -> None:
            if reply.stall:
                service.over.wait(30)
            if reply.reset or reply.stall:
                self.close_connection = True
                return
            self.send_response(reply.status)
            self.send_header("content-type", reply.content_type)
            self.send_header("content-length", str(reply.declared or len(reply.body)))
            if reply.retry_after:
                self.send_header("retry-after", reply.retry_after)
            if reply.chunked:
                self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(reply.body), reply.body)
            self.wfile.write(chunk if reply.chunked else reply.body)
            self.close_connection = reply.declared is not None

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@pytest.fixture
def service() -> Iterator[Service]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.daemon_threads = True
    service = Service(url=f"http://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass = _handler(service)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield service
    service.over.set()
    server.shutdown()
    server.server_close()
    thread.join()
