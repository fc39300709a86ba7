"""The map service's client against a small service that answers as it is told to."""

import http.server
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest

from pipeline.emulator.map_drawing import legend_picture, png
from pipeline.emulator.wms import ERROR_PAGE
from pipeline.emulator.wms_documents import capabilities, exception, legend_json
from pipeline.schema.errors import FailureKind, SourceError, UsageError
from pipeline.schema.records import Attempt
from pipeline.sources import retry, wms
from pipeline.sources.wms import MapService, MapWindow
from pipeline.sources.wms_settings import WmsSettings

WINDOW = MapWindow("EPSG:4326", 10.0, 48.0, 10.5, 48.2, 6, 4)
IMAGE = np.random.default_rng(1).integers(0, 256, (4, 6, 4), dtype=np.uint8)

Answer = tuple[int, dict[str, str], bytes]


def plain(body: bytes, status: int = 200, **headers: str) -> Answer:
    return status, headers, body


@dataclass
class Stub:
    """What the service was asked, and the answers to maps that are still to be given; then a proper one."""

    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    maps: list[Answer] = field(default_factory=list)
    legends: list[Answer] = field(default_factory=list)
    document: Callable[[str, str], bytes] = capabilities

    def answer(self, query: dict[str, str]) -> Answer:
        self.asked.append(query)
        match query["request"]:
            case "GetCapabilities":
                return plain(self.document(query["version"], self.url))
            case "GetLegendGraphic":
                right = legend_json() if query["format"] == "application/json" else legend_picture()
                return self.legends.pop(0) if self.legends else plain(right)
            case _:
                return self.maps.pop(0) if self.maps else plain(png(IMAGE))

    def of(self, request: str) -> list[dict[str, str]]:
        return [query for query in self.asked if query["request"] == request]


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    told = Stub()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.agents.append(self.headers["User-Agent"])
            status, headers, body = told.answer(dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True)))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    told.url = f"http://127.0.0.1:{server.server_port}/osm"
    monkeypatch.setattr(retry.time, "sleep", lambda _: None)
    yield told
    server.shutdown()
    server.server_close()


@dataclass
class Ledger:
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def kinds(self) -> list[str]:
        return [attempt.kind for attempt in self.attempts]


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def service(stub: Stub, ledger: Ledger) -> Iterator[Callable[..., MapService]]:
    opened: list[MapService] = []

    def make(cache: Path | None = None, **changed: object) -> MapService:
        settings = WmsSettings.model_validate({"url": stub.url, "per_second": 50, "attempts": 3, **changed})
        opened.append(MapService(settings, cache=cache, report=ledger.attempts.append))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.mark.parametrize(
    ("version", "crs", "expected"),
    [
        ("1.1.1", "EPSG:4326", {"srs": "EPSG:4326", "bbox": "10.0,48.0,10.5,48.2"}),
        ("1.3.0", "EPSG:4326", {"crs": "EPSG:4326", "bbox": "48.0,10.0,48.2,10.5"}),
        ("1.1.1", "EPSG:3857", {"srs": "EPSG:3857", "bbox": "10.0,48.0,10.5,48.2"}),
        ("1.3.0", "EPSG:3857", {"crs": "EPSG:3857", "bbox": "10.0,48.0,10.5,48.2"}),
    ],
)
def test_the_axes_stand_as_the_version_wants_them(
    stub: Stub, service: Callable[..., MapService], version: str, crs: str, expected: dict[str, str]
) -> None:
    window = MapWindow(crs, 10.0, 48.0, 10.5, 48.2, 6, 4)
    image = service(version=version, crs=crs).image(window)
    np.testing.assert_array_equal(image, IMAGE)
    common = {
        "service": "WMS", "version": version, "request": "GetMap", "layers": "osmlanduse:osm_lulc", "styles": "",
        "width": "6", "height": "4", "format": "image/png", "transparent": "TRUE",
    }  # fmt: skip
    assert stub.of("GetMap") == [common | expected]
    assert set(stub.agents) == {wms.AGENT}


def test_capabilities_and_legend_are_asked_once(stub: Stub, service: Callable[..., MapService]) -> None:
    one = service()
    for _ in range(3):
        one.image(WINDOW)
        one.legend()
    assert [query["request"] for query in stub.asked] == ["GetCapabilities", "GetLegendGraphic", *["GetMap"] * 3]
    assert stub.asked[1]["format"] == "application/json"


def test_an_own_query_of_the_address_is_kept(stub: Stub, service: Callable[..., MapService]) -> None:
    service(url=f"{stub.url}?map=/maps/land.map").image(WINDOW)
    assert {query["map"] for query in stub.asked} == {"/maps/land.map"}


def test_a_map_that_arrived_is_not_asked_for_again(
    stub: Stub, service: Callable[..., MapService], tmp_path: Path
) -> None:
    service(tmp_path).image(WINDOW)
    again = service(tmp_path, version="1.1.1")
    np.testing.assert_array_equal(again.image(WINDOW), IMAGE)
    assert len(stub.of("GetMap")) == 1
    again.image(MapWindow("EPSG:4326", 10.0, 48.0, 10.5, 48.25, 6, 4))
    service(tmp_path, style="default").image(WINDOW)
    assert len(stub.of("GetMap")) == 3
    for query in ("a.map", "b.map", "a.map"):
        service(tmp_path, url=f"{stub.url}?map=/{query}").image(WINDOW)
    assert [asked["map"] for asked in stub.of("GetMap")[3:]] == ["/a.map", "/b.map"]


@pytest.mark.parametrize("damage", [lambda b: b[:-20], lambda _: b"", lambda b: b[:60] + b"!" + b[61:]])
def test_a_kept_map_that_is_damaged_is_asked_for_again(
    stub: Stub, service: Callable[..., MapService], tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    service(tmp_path).image(WINDOW)
    (kept,) = tmp_path.rglob("*.png")
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))
    np.testing.assert_array_equal(service(tmp_path).image(WINDOW), IMAGE)
    assert kept.read_bytes() == whole
    assert len(stub.of("GetMap")) == 2


def test_trouble_is_got_over_and_nothing_of_it_is_kept(
    stub: Stub, service: Callable[..., MapService], tmp_path: Path, ledger: Ledger
) -> None:
    stub.maps = [plain(ERROR_PAGE.body), plain(b"busy", 503), plain(png(IMAGE)[:-9]), plain(b"slow down", 429)]
    np.testing.assert_array_equal(service(tmp_path, attempts=5).image(WINDOW, "dw_1"), IMAGE)
    assert ledger.kinds == ["ok", "ok", "transient", "transient", "transient", "quota", "ok"]
    assert {attempt.location_id for attempt in ledger.attempts[2:]} == {"dw_1"}
    assert ledger.attempts[-1].received_bytes == len(png(IMAGE))
    assert len(list(tmp_path.rglob("*.*"))) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "tries", "said"),
    [
        (plain(ERROR_PAGE.body), FailureKind.TRANSIENT, 3, "an HTML page 'Service under maintenance' came instead"),
        (plain(b"x", 404), FailureKind.PERMANENT, 1, "HTTP 404"),
        (plain(exception("1.3.0", "StyleNotDefined", "no")), FailureKind.PERMANENT, 1, "the service says 'no'"),
        (plain(b"", 302, Location="http://127.0.0.1:1/x"), FailureKind.PERMANENT, 1, "sends on to http://127.0.0.1:1"),
        (plain(b"<html><title>Too many</title></html>", 429), FailureKind.QUOTA, 3, "an HTML page 'Too many'"),
    ],
)
def test_trouble_that_stays_is_told_in_a_plain_line(
    stub: Stub, service: Callable[..., MapService], tmp_path: Path,
    answer: Answer, kind: FailureKind, tries: int, said: str,
) -> None:  # fmt: skip
    stub.maps = [answer] * 3
    with pytest.raises(SourceError) as told:
        service(tmp_path).image(WINDOW)
    assert told.value.kind is kind
    assert said in str(told.value)
    assert "\n" not in str(told.value)
    assert len(stub.of("GetMap")) == tries
    assert list(tmp_path.rglob("*.png")) == []


def test_the_service_may_say_how_long_to_wait(
    stub: Stub, service: Callable[..., MapService], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    one = service()
    one.legend()
    monkeypatch.setattr(retry.time, "sleep", waited.append)
    stub.maps = [plain(b"", 503, **{"Retry-After": "17"})]
    one.image(WINDOW)
    assert 17.0 in waited


def test_no_server_is_a_plain_line(service: Callable[..., MapService]) -> None:
    with pytest.raises(SourceError, match=r"no answer: http://127.0.0.1:9/wms \(") as told:
        service(url="http://127.0.0.1:9/wms").legend()
    assert told.value.kind is FailureKind.TRANSIENT


def test_a_legend_elsewhere_is_not_fetched_from_there(stub: Stub, service: Callable[..., MapService]) -> None:
    def elsewhere(version: str, _: str) -> bytes:
        return capabilities(version, "http://127.0.0.1:1/other").replace(b"<Format>application/json</Format>", b"")

    stub.document = elsewhere
    service().legend()
    (query,) = stub.of("GetLegendGraphic")
    assert (query["layer"], query["format"]) == ("osmlanduse:osm_lulc", "image/png")


def test_an_error_page_instead_of_the_legend_is_asked_for_again(
    stub: Stub, service: Callable[..., MapService], ledger: Ledger
) -> None:
    stub.legends = [plain(ERROR_PAGE.body), plain(legend_json()[:300])]
    assert len(service().legend().entries) == 13
    assert ledger.kinds == ["ok", "transient", "transient", "ok"]


def test_a_map_in_other_colours_is_refused_instead_of_read_as_unmapped(
    stub: Stub, service: Callable[..., MapService], tmp_path: Path, ledger: Ledger
) -> None:
    window = MapWindow("EPSG:3857", 0.0, 0.0, 100.0, 100.0, 40, 40)
    faint = np.full((40, 40, 4), [77, 255, 0, 178], dtype=np.uint8)  # forest at 70 % opacity
    stub.maps = [plain(png(faint))]
    with pytest.raises(SourceError, match=r"100% of what is drawn has none of the legend's colours") as told:
        service(tmp_path).codes(window)
    assert told.value.kind is FailureKind.PERMANENT
    assert ledger.kinds == ["ok", "ok", "permanent"]
    assert list(tmp_path.rglob("*.png")) == []
    half = faint.copy()
    half[:20, :, 3] = 255
    stub.maps = [plain(png(half))]
    assert (service(tmp_path).codes(window) == 5).sum() == 800
    (kept,) = tmp_path.rglob("*.png")
    kept.write_bytes(png(faint))
    stub.maps = [plain(png(half))]
    for _ in range(2):
        assert (service(tmp_path).codes(window) == 5).sum() == 800
    assert kept.read_bytes() == png(half)
    assert len(stub.of("GetMap")) == 3


def test_the_recipe_may_ask_for_the_picture_of_the_legend(stub: Stub, service: Callable[..., MapService]) -> None:
    assert service(legend_format="image/png").legend() == service().legend()
    assert [query["format"] for query in stub.of("GetLegendGraphic")] == ["image/png", "application/json"]


def test_a_distance_too_large_for_the_legend_is_refused(service: Callable[..., MapService]) -> None:
    with pytest.raises(UsageError, match="a colour_distance of 20 cannot tell them"):
        service(colour_distance=20.0).legend()


def test_a_map_larger_than_the_service_draws_is_not_asked_for(stub: Stub, service: Callable[..., MapService]) -> None:
    with pytest.raises(ValueError, match="at most 2048 a side"):
        service(max_px=4096).image(MapWindow("EPSG:3857", 0, 0, 1, 1, 2049, 4))
    assert stub.of("GetMap") == []


def test_requests_begin_no_sooner_than_the_rate_allows(
    service: Callable[..., MapService], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = service(per_second=0.5)
    clock, waited = [100.0], []

    def sleep(seconds: float) -> None:
        waited.append(round(seconds, 6))
        clock[0] += seconds

    monkeypatch.setattr(wms, "time", type("Clock", (), {"monotonic": lambda: clock[0], "sleep": sleep}))
    for _ in range(2):
        one.image(WINDOW)
    assert [seconds for seconds in waited if seconds] == [2.0, 2.0, 2.0]


def test_without_an_address_nothing_is_asked() -> None:
    with pytest.raises(UsageError, match="names no map service"):
        MapService(WmsSettings())
