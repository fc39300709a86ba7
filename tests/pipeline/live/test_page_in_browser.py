import functools
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline.live.writer import LiveTimes, _Page
from pipeline.schema.layout import RunLayout

Tab = Any
Log = Any

TIMES = LiveTimes(every_s=1.0, share=1.0, grace_s=1.5)


def write(run: RunLayout, *, running: bool = True, times: LiveTimes = TIMES) -> None:
    told: list[str] = []
    assert _Page(run, told.append, times)._try(running=running), told
    assert run.live.exists()


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """Where a plain web server serves the folder."""
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_every_fact_is_shown(under_way: tuple[RunLayout, Log], stage: Callable[..., None], tab: Tab) -> None:
    run, _ = under_way
    stage(run, 0, "0000001", "0000002")
    write(run)
    tab.open(run.live.as_uri())
    assert tab.text("h1") == "run"
    assert "Running for" in tab.text(".live-state")
    assert "Written" in tab.text(".live-state")
    assert tab.text("#fact-done .value") == "10%"
    assert tab.text("#fact-rate .value").endswith("/min")
    assert "min" in tab.text("#fact-eta .value")
    assert tab.text("#fact-requests") == f"Requests 16 {tab.text('#fact-requests .note')}"
    assert "16 MB received" in tab.text("#fact-requests .note")
    assert tab.text("#fact-refused .value") == "3"
    assert tab.text("#fact-failed .value") == "3"
    assert tab.text("#fact-open .value") == "3"
    # 12 pixel requests that were not refused for quota, at 10 s, and a scene query at 20 s.
    assert tab.text("#fact-compute .value") == "140 EECU-s"
    assert "2 allowed" in tab.text("#fact-compute .note")
    for kind, row in (("quota", "3 3 0"), ("transient", "2 2 2"), ("permanent", "1 1 1")):
        assert tab.text(f"#failed-{kind}").endswith(row)
    assert "HTTP said permanent" in tab.value("document.querySelector('#said').textContent")
    assert "20 of 40" in tab.text("#stage-seasons")
    assert "less no DW label −5" in tab.text("#funnel")
    assert [tab.text(f"#previews article:nth-child({n}) h3") for n in (1, 2)] == ["0000002", "0000001"]
    assert "season of 2021-12-21" in tab.text("#previews")
    assert tab.value("[...document.images].length === 6 && [...document.images].every(i => i.naturalWidth > 0)")
    assert "noldo status" in tab.text("#follow")


@pytest.mark.parametrize("over", ["file", "http"])
def test_it_renews_itself(
    under_way: tuple[RunLayout, Log], stage: Callable[..., None], tab: Tab, served: str, over: str
) -> None:
    run, log = under_way
    write(run)
    tab.call("Emulation.setDeviceMetricsOverride", width=390, height=500, deviceScaleFactor=1, mobile=True)
    url = run.live.as_uri() if over == "file" else f"{served}/run/live.html"
    tab.open(url)
    tab.value("window.mine = 'kept'; document.querySelector('#said').open = true; scrollTo(0, 400)")
    before = tab.value("history.length")
    log.attempt("quota", "HTTP said quota")
    stage(run, 0, "0000009")
    write(run)
    tab.until("document.querySelector('#fact-refused .value').innerText === '4'")
    tab.until("document.querySelector('#previews h3')?.innerText === '0000009'")
    # The page itself was not left: neither its state, nor the place, nor the history.
    assert tab.value("window.mine") == "kept"
    assert tab.value("document.querySelector('#said').open")
    assert tab.value("scrollY") > 300
    assert tab.value("history.length") == before
    assert tab.value("document.documentElement.scrollWidth") <= 390
    assert tab.complaints() == []
    requests = [request for request in tab.requests() if not request.startswith("data:")]
    assert len(requests) > 1
    assert all(request.partition("?")[0] == url for request in requests)


def test_the_end_is_told_and_the_report_follows(under_way: tuple[RunLayout, Log], tab: Tab) -> None:
    run, log = under_way
    write(run)
    tab.open(run.live.as_uri())
    run.report.write_text("<!doctype html><title>the report</title>")
    log.add("stop", why="finished", message="", seconds=9.0)
    write(run, running=False)
    tab.until("document.querySelector('.live-state')?.innerText.includes('Finished')")
    assert "does not change any more" in tab.text(".live-state")
    tab.until("document.title === 'the report'")


def test_a_page_opened_after_the_end_stays_and_asks_no_more(under_way: tuple[RunLayout, Log], tab: Tab) -> None:
    run, log = under_way
    log.add("stop", why="paused", message="2 locations could not be had", seconds=9.0)
    run.report.write_text("the report")
    write(run)
    write(run, running=False)
    tab.open(run.live.as_uri())
    assert "Paused with locations still to be had" in tab.text(".live-state")
    assert tab.value("document.querySelector('.live-state').getBoundingClientRect().height") > 40
    assert "2 locations could not be had" in tab.text(".live-state")
    assert tab.value("document.querySelector('.live-state a').getAttribute('href')") == "report.html"
    asked = len(tab.requests())
    tab.value("scrollTo(0, 400)")
    tab.until("performance.now() > 2000")
    assert len(tab.requests()) == asked
    assert tab.value("document.querySelector('#silent').hidden")


DRIVER = """
import sys, time
from pathlib import Path
from pipeline.live.writer import LiveTimes, live_page
from pipeline.schema.layout import RunLayout
def say(text):
    print(text, flush=True)
times = LiveTimes(first_s=0.1, every_s=0.5, share=1.0, grace_s=2.0)
with live_page(RunLayout(Path(sys.argv[1])), say, times):
    print("ready", flush=True)
    time.sleep(120)
"""


def test_a_driver_that_is_killed_is_told_of_until_the_next_one_writes(
    under_way: tuple[RunLayout, Log], tab: Tab
) -> None:
    run, log = under_way
    with subprocess.Popen([sys.executable, "-c", DRIVER, str(run.root)], stdout=subprocess.PIPE, text=True) as driver:
        try:
            assert driver.stdout is not None
            assert driver.stdout.readline() == "ready\n"
            log.time = datetime.now(UTC)
            log.add("start", recipe="nol", digest="d", until="manifest")
            log.add("stage", stage="export", locations=40)
            assert driver.stdout.readline().startswith("Live page:")
            tab.open(run.live.as_uri())
            assert tab.value("document.querySelector('#silent').hidden")
        finally:
            driver.kill()
    tab.until("!document.querySelector('#silent').hidden")
    assert "the build was killed, or hangs" in tab.text("#silent")
    log.attempt()
    write(run)
    tab.until("document.querySelector('#silent').hidden")
    assert tab.text("#fact-requests .value") == "17"


def test_a_server_that_goes_away_leaves_the_page_as_it_was(
    under_way: tuple[RunLayout, Log], tab: Tab, tmp_path: Path
) -> None:
    run, _ = under_way
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        write(run)
        tab.open(f"http://127.0.0.1:{server.server_port}/run/live.html")
        tab.value("window.mine = 'kept'")
        written = tab.value("document.documentElement.dataset.written")
        write(run)
        tab.until(f"document.documentElement.dataset.written !== '{written}'")
        server.shutdown()
        thread.join()
    tab.until("document.querySelector('#silent').innerText.includes('what serves it may have ended')")
    assert tab.value("window.mine") == "kept"
    assert tab.text("#fact-requests .value") == "16"
