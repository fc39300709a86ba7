"""An HTTP transport for the Earth Engine client that many threads can share."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Final
from weakref import WeakSet

import httplib2
import numpy as np
import requests

from pipeline.sources.retry import BrokenAnswerError

BLOCK_BYTES: Final = 1 << 18
"""An answer is read in blocks of this many bytes, and its time limit looked at after each."""


class ThreadLocalTransport:
    """Looks like httplib2.Http to the Google client; holds one requests.Session a thread.

    One shared httplib2.Http hands answers to the wrong thread, so every thread has connections of its own.
    """

    def __init__(self, *, timeout_s: float, trust_environment: bool) -> None:
        """`timeout_s` limits a connection, a silence and a whole answer; the environment may name proxies."""
        self._timeout_s = timeout_s
        self._trust_environment = trust_environment
        self._local = threading.local()
        self._sessions: WeakSet[requests.Session] = WeakSet()
        self._lock = threading.Lock()

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        redirections: int | None = None,
        connection_type: object = None,
    ) -> tuple[httplib2.Response, bytes | memoryview]:
        """One request; the last two arguments are httplib2's and are not used.

        The body of a large answer that is no text comes as a view of bytes of its own.

        Raises ConnectionError, TimeoutError or BrokenAnswerError where no whole answer arrived.
        """
        del redirections, connection_type
        self._local.received_bytes = 0
        try:
            with self._session().request(
                method, uri, data=body, headers=headers, timeout=self._timeout_s, stream=True
            ) as response:
                content = self._read(response)
        except requests.Timeout as error:
            raise TimeoutError(f"no answer within {self._timeout_s:g} s") from error
        except requests.RequestException as error:
            raise ConnectionError(str(error)) from error
        _check_json(response, content)
        plain = httplib2.Response({**response.headers, "status": str(response.status_code)})
        plain.reason = response.reason
        return plain, content

    @property
    def received_bytes(self) -> int:
        """Bytes of body that this thread's last request brought."""
        return getattr(self._local, "received_bytes", 0)

    def forget_received(self) -> None:
        """Count this thread's bytes from 0 again, for a request that may fail before it is sent."""
        self._local.received_bytes = 0

    def close(self) -> None:
        """Close the connections of every thread."""
        with self._lock:
            sessions = list(self._sessions)
        for session in sessions:
            session.close()

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = self._trust_environment
            self._local.session = session
            with self._lock:
                self._sessions.add(session)
        return session

    def _read(self, response: requests.Response) -> bytes | memoryview:
        if response.status_code != 200 or not _is_plain(response):
            return b"".join(self._blocks(response))
        # Large ones at once where they stay: put together at the end they would be there twice.
        whole = np.empty(int(response.headers["content-length"]), np.uint8).data
        at = 0
        for block in self._blocks(response):
            if at + len(block) <= len(whole):
                whole[at : at + len(block)] = block
            at += len(block)
        if at != len(whole):  # chunked beside a length, which HTTP clients let pass
            raise BrokenAnswerError(f"the answer has {at} bytes, {len(whole)} were announced")
        return whole

    def _blocks(self, response: requests.Response) -> Iterator[bytes]:
        latest = time.monotonic() + self._timeout_s
        for block in response.iter_content(BLOCK_BYTES):
            yield block
            self._local.received_bytes += len(block)
            if time.monotonic() > latest:
                raise TimeoutError(f"the answer took longer than {self._timeout_s:g} s")


def _is_plain(response: requests.Response) -> bool:
    """Whether the body is a large one of a known length, and no text for the Google client to read: pixels."""
    about = response.headers
    known = about.get("content-length", "").isdecimal() and not about.get("content-encoding")
    text = any(word in about.get("content-type", "") for word in ("json", "text"))
    return known and not text and int(about["content-length"]) > BLOCK_BYTES


def _check_json(response: requests.Response, content: bytes | memoryview) -> None:
    """Refuse a successful JSON answer that does not parse: the Google client would pass it on as a string."""
    if response.status_code != 200 or "json" not in response.headers.get("content-type", ""):
        return
    try:
        json.loads(bytes(content))
    except ValueError as error:
        raise BrokenAnswerError(f"the answer of {len(content)} bytes is not whole JSON") from error
