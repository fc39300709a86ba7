"""A small world whose pixels are known by formula, a server over it, and the real client talking to that."""

import http.client
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from shapely import Polygon

from pipeline.emulator.scene import (
    DW_COLLECTION,
    S1_COLLECTION,
    S2_COLLECTION,
    BandBlock,
    EmulatedScene,
)
from pipeline.emulator.server import EmulatorServer
from pipeline.schema.bands import S2_BANDS
from pipeline.schema.grid import PixelGrid

EXTENT = PixelGrid(epsg=32633, left_m=499_980.0, top_m=5_300_040.0, width_px=600, height_px=600)
"""Six kilometres of zone 33, aligned to 60 m."""

PIXEL_M = {
    "B1": 60.0,
    "B9": 60.0,
    "B10": 60.0,
    "B5": 20.0,
    "B6": 20.0,
    "B7": 20.0,
    "B8A": 20.0,
    "B11": 20.0,
    "B12": 20.0,
}


def level(band: str, column: NDArray[Any], row: NDArray[Any]) -> NDArray[Any]:
    """The value of a native pixel, by its place on the band's native lattice."""
    if band == "label":
        return (column // 8 + row // 8) % 9
    if band == "water":
        return (column % 7 + row % 11) / 16.0
    if band in ("VV", "VH"):
        return -20.0 + 0.01 * column - 0.02 * row
    return 100.0 * len(band) + 3.0 * column + 5.0 * row


def observed(band: str, column: NDArray[Any], row: NDArray[Any]) -> NDArray[Any]:
    """Whether a native pixel is valid: labels lack a square in the middle of the scene."""
    hole = (column >= 300) & (column < 320) & (row >= 300) & (row < 320)
    return ~hole if band == "label" else np.ones_like(hole)


def make_scene(
    collection: str, index: str, day: datetime, properties: dict[str, Any], epsg: int = 32633
) -> EmulatedScene:
    grid = PixelGrid(epsg, EXTENT.left_m, EXTENT.top_m, EXTENT.width_px, EXTENT.height_px)
    names = {S2_COLLECTION: S2_BANDS, S1_COLLECTION: ("VV", "VH"), DW_COLLECTION: ("water", "label")}[collection]
    return EmulatedScene(
        collection=collection,
        index=index,
        time=day,
        footprint=grid.footprint_lonlat(),
        grid=grid,
        properties=properties,
        bands={name: PIXEL_M.get(name, 10.0) for name in names},
    )


def at(month: int, day: int) -> datetime:
    return datetime(2021, month, day, 10, 0, 0, tzinfo=UTC)


@dataclass
class KnownWorld:
    """Four Sentinel-2 scenes, two of Sentinel-1, Dynamic World for two; it records what is read."""

    reads: list[tuple[str, tuple[str, ...], PixelGrid]] = field(default_factory=list)
    searches: list[tuple[str, Polygon, datetime, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        tile = {"MGRS_TILE": "33TVN", "PROCESSING_BASELINE": "04.00"}
        clouds = (("a", at(3, 1), 40.0), ("b", at(3, 11), 5.0), ("c", at(3, 21), 12.0), ("d", at(6, 1), 1.0))
        s2 = [
            make_scene(S2_COLLECTION, f"S2_{name}", when, {**tile, "CLOUDY_PIXEL_PERCENTAGE": cloud})
            for name, when, cloud in clouds
        ]
        radar = {
            "instrumentMode": "IW",
            "transmitterReceiverPolarisation": ["VV", "VH"],
            "relativeOrbitNumber_start": 22,
        }
        s1 = [
            make_scene(S1_COLLECTION, f"S1_{name}", when, {**radar, "orbitProperties_pass": way})
            for name, when, way in (("a", at(3, 9), "ASCENDING"), ("b", at(3, 14), "DESCENDING"))
        ]
        dw = [make_scene(DW_COLLECTION, s.index, s.time, {}) for s in s2[1:3]]
        self.scenes = {s.asset_id: s for s in (*s2, *s1, *dw)}

    def search(self, collection: str, region: Polygon, start: datetime, end: datetime) -> list[EmulatedScene]:
        self.searches.append((collection, region, start, end))
        found = [
            s
            for s in self.scenes.values()
            if s.collection == collection and start <= s.time < end and s.footprint.intersects(region)
        ]
        return sorted(found, key=lambda s: (s.time, s.index))

    def scene(self, asset_id: str) -> EmulatedScene | None:
        return self.scenes.get(asset_id)

    def read(self, scene: EmulatedScene, bands: Sequence[str], window: PixelGrid) -> dict[str, BandBlock]:
        self.reads.append((scene.asset_id, tuple(bands), window))
        p = window.pixel_m
        assert {scene.bands[b] for b in bands} == {p}
        column0, row0 = (window.left_m - scene.grid.left_m) / p, (scene.grid.top_m - window.top_m) / p
        assert column0 == int(column0) >= 0
        assert row0 == int(row0) >= 0
        assert column0 + window.width_px <= scene.grid.width_px * 10 / p
        assert row0 + window.height_px <= scene.grid.height_px * 10 / p
        column, row = np.meshgrid(column0 + np.arange(window.width_px), row0 + np.arange(window.height_px))
        return {b: BandBlock(level(b, column, row).astype(np.float32), observed(b, column, row)) for b in bands}


@pytest.fixture(scope="session")
def formula() -> Callable[..., NDArray[Any]]:
    """The value of a native pixel: (band, columns, rows)."""
    return level


@pytest.fixture(scope="session")
def extent() -> PixelGrid:
    """The extent of every scene of the known world."""
    return EXTENT


@pytest.fixture
def world() -> KnownWorld:
    """A world of one's own, without a server."""
    return KnownWorld()


@pytest.fixture(scope="session")
def served_world() -> KnownWorld:
    """The world behind the session's server."""
    return KnownWorld()


@pytest.fixture(scope="session")
def url(served_world: KnownWorld) -> Iterator[str]:
    """A server without faults."""
    with EmulatorServer(served_world) as server:
        yield server.url


@pytest.fixture(scope="module")
def ee(url: str) -> Iterator[Any]:
    """The unmodified client against the session's server; its state is the process's, so others may take it over."""
    import ee as client
    from google.auth.credentials import AnonymousCredentials

    with pytest.MonkeyPatch.context() as patch:
        for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            patch.delenv(name, raising=False)
        patch.setenv("https_proxy", "http://127.0.0.1:9")
        patch.setenv("no_proxy", "127.0.0.1")
        client.Reset()
        client.Initialize(credentials=AnonymousCredentials(), project="test", url=url)
        yield client
        client.Reset()


@dataclass(frozen=True)
class Answer:
    """What came back over a connection of its own."""

    status: int
    declared: int
    """Content-Length."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        return str(self.json["error"]["message"])


def ask(url: str, method: str, path: str, body: Any = None) -> Answer:
    """One request on a connection of its own; a short body is returned as it came."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    try:
        connection.request(method, path, body if isinstance(body, bytes | None) else json.dumps(body).encode())
        response = connection.getresponse()
        declared = int(response.headers["Content-Length"])
        try:
            content = response.read()
        except http.client.IncompleteRead as error:
            content = error.partial
        return Answer(response.status, declared, content)
    finally:
        connection.close()


@pytest.fixture(scope="session")
def request_to() -> Callable[..., Answer]:
    """(url, method, path, body) -> Answer."""
    return ask


@pytest.fixture(scope="session")
def post(url: str) -> Callable[..., Answer]:
    """(endpoint, body) -> Answer of the session's server."""
    return lambda endpoint, body: ask(url, "POST", f"/v1/projects/test/{endpoint}", body)


@pytest.fixture(scope="session")
def compute(post: Callable[..., Answer]) -> Callable[..., Answer]:
    """(function, arguments as nodes) -> Answer: one call, as value:compute would get it."""

    def call(function: str, **arguments: Any) -> Answer:
        node = {"functionInvocationValue": {"functionName": function, "arguments": arguments}}
        return post("value:compute", {"expression": {"result": "0", "values": {"0": node}}})

    return call


@pytest.fixture
def pixels(ee: Any) -> Callable[..., NDArray[Any]]:
    """(image, grid) -> the structured array that computePixels gives, read as the client reads it."""

    def fetch(image: Any, grid: PixelGrid, /, **more: Any) -> NDArray[Any]:
        a, b, c, d, e, f = grid.affine
        affine = {"scaleX": a, "shearX": b, "translateX": c, "shearY": d, "scaleY": e, "translateY": f}
        size = {"width": grid.width_px, "height": grid.height_px}
        request = {
            "expression": image,
            "fileFormat": "NUMPY_NDARRAY",
            "grid": {"crsCode": f"EPSG:{grid.epsg}", "affineTransform": affine, "dimensions": size},
        }
        array: NDArray[Any] = ee.data.computePixels({**request, **more})
        return array

    return fetch
