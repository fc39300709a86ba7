"""Shared by the tests of the live view: a run that is under way, and a tab of a real browser."""

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from pipeline.schema.layout import RunLayout
from pipeline.schema.records import Patch
from pipeline.staging import write_tiles

RECIPE = """
name: nol
sample: {count: 40, seed: 1}
source: {kind: emulator, seed: 7}
seasons: {anchors: [2021-09-22, 2021-12-21, 2021-06-21, 2021-03-20]}
budget: {eecu_hours: 2}
"""

BROWSER = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--remote-debugging-port=0",
)  # fmt: skip


class Log:
    """Writes a run's events, of the last minute up to now."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.time = datetime.now(UTC) - timedelta(seconds=60)

    def add(self, event: str, **fields: Any) -> None:
        """Append an event half a second after the last."""
        self.time += timedelta(seconds=0.5)
        with self.path.open("a") as file:
            file.write(
                json.dumps({"time": self.time.isoformat(timespec="milliseconds"), "event": event, **fields}) + "\n"
            )

    def attempt(self, kind: str = "ok", message: str = "", stage: str = "export") -> None:
        """Append a request."""
        self.add("attempt", stage=stage, location_id="0000007", attempt=1, kind=kind, message=message,
                 milliseconds=5.0, received_bytes=1_000_000)  # fmt: skip

    def part(self, stage: str, part: int, kept: int = 4, complete: bool = True) -> None:
        """Append a part of four locations."""
        step = {"stage": stage, "entered": 4, "kept": kept, "reasons": [["no DW label", 4 - kept]], "by_season": []}
        self.add("part", stage=stage, part=part, locations=4, complete=complete, funnel=step)


def staged(run: RunLayout, part: int, *ids: str) -> None:
    """Stage locations of random pixels."""
    rng = np.random.default_rng(part)
    patches = [
        Patch(
            one,
            rng.integers(300, 3000, (4, 13, 16, 16)).astype(np.uint16),
            rng.uniform(-25, -5, (4, 2, 16, 16)).astype(np.float32),
            rng.integers(0, 9, (4, 16, 16)).astype(np.uint8),
        )
        for one in ids
    ]
    write_tiles(run.tile(part), patches, "inputs")


@pytest.fixture
def stage() -> Callable[..., None]:
    """`stage(run, part, *ids)`: staged locations of random pixels."""
    return staged


@pytest.fixture
def under_way(tmp_path: Path) -> tuple[RunLayout, Log]:
    """A run with two stages under way, requests that failed in every kind, and three locations still to be had."""
    run = RunLayout(tmp_path / "run")
    run.root.mkdir()
    run.recipe.write_text(RECIPE)
    log = Log(run.root / "events.jsonl")
    log.add("start", recipe="nol", digest="d", until="manifest")
    for name in ("sample", "seasons", "export"):
        log.add("stage", stage=name, locations=40)
    for part in range(10):
        log.add("part", stage="sample", part=part, locations=4, complete=True)
    for part in range(5):
        log.part("seasons", part, kept=3)
    for kind, number in (("ok", 9), ("quota", 3), ("transient", 2), ("permanent", 1)):
        for _ in range(number):
            log.attempt(kind, "" if kind == "ok" else f"HTTP said {kind}")
    log.attempt("ok", stage="match")
    for kind, ids in (("transient", ["a", "b"]), ("permanent", ["c"])):
        log.add("failure", stage="export", part=0, kind=kind, message=f"{kind}!", attempt=6, location_ids=ids)
    log.part("export", 0, complete=False)
    return run, log


class Tab:
    """A page in a browser, asked over the Chrome DevTools protocol."""

    def __init__(self, loop: asyncio.AbstractEventLoop, socket: WebSocketClientConnection) -> None:
        self._loop, self._socket, self._calls = loop, socket, 0
        self.heard: list[dict[str, Any]] = []
        for domain in ("Runtime", "Log", "Network", "Page"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to a command; what the browser tells meanwhile is kept."""
        return self._loop.run_until_complete(self._call(method, params))

    async def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._calls += 1
        await self._socket.write_message(json.dumps({"id": self._calls, "method": method, "params": params}))
        while True:
            message = json.loads(str(await asyncio.wait_for(self._socket.read_message(), 30)))
            if message.get("id") == self._calls:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            self.heard.append(message)

    def open(self, url: str) -> None:
        """Go to a page and wait until it is there."""
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def value(self, expression: str) -> Any:
        """What an expression is in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, expression: str, seconds: float = 20) -> None:
        """Wait until an expression is true in the page."""
        latest = time.monotonic() + seconds
        while not self.value(expression):
            assert time.monotonic() < latest, (
                f"not in {seconds} s: {expression}\n{self.value('document.body.innerText')}"
            )
            time.sleep(0.05)

    def text(self, selector: str) -> str:
        """The text that an element shows."""
        return " ".join(str(self.value(f"document.querySelector({json.dumps(selector)}).innerText")).split())

    def complaints(self) -> list[dict[str, Any]]:
        """What the console told."""
        return [
            m
            for m in self.heard
            if m["method"] in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        ]

    def requests(self) -> list[str]:
        """Every address that was asked for."""
        return [m["params"]["request"]["url"] for m in self.heard if m["method"] == "Network.requestWillBeSent"]


@pytest.fixture(scope="session")
def browser_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a headless Chromium listens."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.fail("no 'chromium' on the PATH: run `make browser`")
    profile = tmp_path_factory.mktemp("profile")
    with subprocess.Popen([browser, *BROWSER, f"--user-data-dir={profile}"], stderr=subprocess.DEVNULL) as process:
        try:
            port, latest = profile / "DevToolsActivePort", time.monotonic() + 60
            while not port.exists() or not port.read_text():
                assert time.monotonic() < latest
                time.sleep(0.05)
            yield f"127.0.0.1:{port.read_text().split()[0]}"
        finally:
            process.terminate()
            process.wait(20)
    shutil.rmtree(profile, ignore_errors=True)


@pytest.fixture
def tab(browser_url: str) -> Iterator[Tab]:
    """A new tab of the browser."""
    with closing(HTTPConnection(browser_url)) as connection:
        connection.request("PUT", "/json/new?about:blank")
        about = json.load(connection.getresponse())
    loop = asyncio.new_event_loop()
    with _connected(loop, about["webSocketDebuggerUrl"]) as socket:
        yield Tab(loop, socket)
    loop.close()


@contextmanager
def _connected(loop: asyncio.AbstractEventLoop, url: str) -> Iterator[WebSocketClientConnection]:
    async def connect() -> WebSocketClientConnection:
        return await websocket_connect(url, max_message_size=2**26)

    asyncio.set_event_loop(loop)
    socket = loop.run_until_complete(connect())
    try:
        yield socket
    finally:
        socket.close()
        loop.run_until_complete(asyncio.sleep(0.05))
        asyncio.set_event_loop(None)
