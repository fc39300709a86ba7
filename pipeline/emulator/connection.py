"""One connection of a client: routing, limits, and the faults on the way."""

import re
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from pipeline.emulator import wire
from pipeline.emulator.broken import ERRORS, halved, mistyped
from pipeline.emulator.faults import TRANSIENT_KINDS, Fault, FaultKind, FaultStream
from pipeline.emulator.limits import MAX_BODY_BYTES, MAX_CONCURRENT
from pipeline.emulator.replies import Reply, error_reply, json_reply
from pipeline.emulator.service import ENDPOINTS
from pipeline.emulator.traffic import Traffic
from pipeline.emulator.wms import ERROR_PAGE
from pipeline.emulator.workers import Answerer

_COMPUTE: Final = re.compile(r"/v1/projects/[^/]+/([a-z]+:[A-Za-z]+)")
_LENGTH: Final = re.compile("[0-9]{1,18}")
_ALGORITHMS: Final = re.compile(r"/v1/projects/[^/]+/algorithms")

MAP_PATH: Final = "/wms"
"""Where the map service answers."""

_TOKEN: Final = {"access_token": "emulator", "expires_in": 3600, "token_type": "Bearer"}


class Connection(BaseHTTPRequestHandler):
    """Serves the requests of one connection, one after another."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(
        self,
        *args: Any,
        answerer: Answerer,
        traffic: Traffic,
        faults: FaultStream,
        slow_s: float,
        latency_s: float,
        identity: Mapping[str, object],
        flaws_of: Callable[[str], Mapping[str, object]],
        map_service: Callable[[str, str], Reply] | None,
    ) -> None:
        self._answerer = answerer
        self._traffic = traffic
        self._faults = faults
        self._slow_s = slow_s
        self._latency_s = latency_s
        self._identity = identity
        self._flaws_of = flaws_of
        self._map_service = map_service
        super().__init__(*args)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: the counts tell what happened."""

    def do_GET(self) -> None:
        """Discovery, algorithms, diagnostics, and the map service."""
        path = self._path()
        if path == "/$discovery/rest":
            self._traffic.count("discovery")
            self._send(Reply(200, "application/json", wire.discovery_document(self._own_url())))
        elif _ALGORITHMS.fullmatch(path):
            self._traffic.count("algorithms")
            self._send(Reply(200, "application/json", wire.algorithms_document()))
        elif path == "/diagnostics/counts":
            self._send(json_reply(self._traffic.counts()))
        elif path == "/diagnostics/planet":
            self._send(json_reply(dict(self._identity)))
        elif path == "/diagnostics/flaws":
            assets = parse_qs(urlsplit(self.path).query).get("asset", [])
            self._send(json_reply({asset: dict(self._flaws_of(asset)) for asset in assets}))
        elif path == MAP_PATH and self._map_service is not None:
            self._map(self._map_service)
        else:
            self._send(_not_found("GET", path))

    def do_POST(self) -> None:
        """The compute endpoints, the token endpoint and the reset of the counts."""
        path = self._path()
        length = self._length()
        if length is None:
            self._send(error_reply(400, "The Content-Length header must be a number of bytes."))
            self.close_connection = True
            return
        body = self._body(length)
        compute = _COMPUTE.fullmatch(path)
        if compute and compute[1] in ENDPOINTS:
            self._compute(compute[1], body)
        elif path == "/token":
            self._traffic.count("token")
            self._send(json_reply(_TOKEN))
        elif path == "/diagnostics/reset":
            self._traffic.reset()
            self._send(json_reply({}))
        else:
            self._send(_not_found("POST", path))

    def _path(self) -> str:
        return unquote(urlsplit(self.path).path)

    def _own_url(self) -> str:
        """The address that the client used, so that it also works through a forwarded port."""
        return f"http://{self.headers['Host']}"

    def _length(self) -> int | None:
        """The declared length of the body in bytes, or None where it is no number: what follows cannot be read."""
        declared = self.headers.get("Content-Length", "0")
        return int(declared) if _LENGTH.fullmatch(declared) else None

    def _body(self, length: int) -> bytes | None:
        """The request's body, or None where it is larger than is allowed; it is read off the wire all the same."""
        if length <= MAX_BODY_BYTES:
            return self.rfile.read(length)
        while length > 0:
            piece = self.rfile.read(min(length, 1 << 20))
            if not piece:
                break
            length -= len(piece)
        return None

    def _compute(self, endpoint: str, body: bytes | None) -> None:
        self._traffic.count(endpoint)
        with self._traffic.admitted(MAX_CONCURRENT, endpoint) as room:
            if not room:
                self._answer(error_reply(429, f"Too many concurrent requests: more than {MAX_CONCURRENT}."))
                return
            time.sleep(self._latency_s)
            if body is None:
                self._answer(error_reply(400, f"Request payload size exceeds the limit: {MAX_BODY_BYTES} bytes."))
            else:
                self._with_fault(endpoint, lambda: self._answerer(endpoint, body), self._faults.draw())

    def _map(self, service: Callable[[str, str], Reply]) -> None:
        """One request to the map service. Of the faults it knows those that asking again helps against."""
        endpoint = MAP_PATH.strip("/")
        self._traffic.count(endpoint)
        with self._traffic.admitted(MAX_CONCURRENT, endpoint) as room:
            if not room:
                self._answer(ERRORS[FaultKind.QUOTA])
                return
            time.sleep(self._latency_s)
            fault = self._faults.draw()
            if fault is not None and fault.kind is FaultKind.BADPIXELS:
                self._traffic.count_fault(fault.kind)
                self._answer(ERROR_PAGE)
                return
            fault = fault if fault is not None and fault.kind in TRANSIENT_KINDS else None
            query, url = urlsplit(self.path).query, self._own_url() + MAP_PATH
            self._with_fault(endpoint, lambda: service(query, url), fault)

    def _with_fault(self, endpoint: str, compute: Callable[[], Reply], fault: Fault | None) -> None:
        if fault is None:
            self._answer(self._computed(compute))
            return
        self._traffic.count_fault(fault.kind)
        if fault.kind in ERRORS:
            self._answer(ERRORS[fault.kind])
        elif fault.kind is FaultKind.RESET:
            self._reset()
        elif fault.kind is FaultKind.SLOW:
            time.sleep(self._slow_s)
            self._answer(self._computed(compute))
        elif fault.kind is FaultKind.BADPIXELS:
            self._answer(mistyped(self._computed(compute)))
        else:
            reply = self._computed(compute)
            if fault.consistent and reply.status == HTTPStatus.OK:
                self._traffic.count_unnoticed(endpoint)
            self._truncated(reply, fault.consistent)

    def _computed(self, compute: Callable[[], Reply]) -> Reply:
        """The answer; 500 where computing it failed, such as in a worker process that died."""
        try:
            return compute()
        except Exception as error:  # noqa: BLE001 - the boundary: a defect must reach the caller as an answer
            traceback.print_exc(file=sys.stderr)
            return error_reply(500, f"the emulator could not compute the answer: {type(error).__name__}: {error}")

    def _answer(self, reply: Reply) -> None:
        self._traffic.count_status(reply.status)
        self._send(reply)

    def _send(self, reply: Reply, declared: int | None = None) -> None:
        """Send a reply whole; `declared` replaces its true length."""
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body) if declared is None else declared))
        self.end_headers()
        self.wfile.write(reply.body)

    def _truncated(self, reply: Reply, consistent: bool) -> None:
        """Half of the body; the connection ends where the length does not agree."""
        self._send(halved(reply), declared=None if consistent else len(reply.body))
        self.close_connection = not consistent

    def _reset(self) -> None:
        """Close with a reset instead of a proper end (SO_LINGER with a time of zero)."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()
        self.close_connection = True


def _not_found(method: str, path: str) -> Reply:
    known = ", ".join(f"/v1/projects/P/{name}" for name in ENDPOINTS)
    return error_reply(404, f"{method} {path} is not served by this emulator; it computes at {known}.")
