"""A small world whose pixels are known by formula, a server over it, and the real client talking to that."""

import json
import os
import urllib.request
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
        s2 = [
            make_scene(S2_COLLECTION, f"S2_{name}", when, {"CLOUDY_PIXEL_PERCENTAGE": cloud, "MGRS_TILE": "33TVN", "PROCESSING_BASELINE": "04.00"})
            for name, when, cloud in (
                ("a", at(3, 1), 40.0), ("b", at(3, 11), 5.0), ("c", at(3, 21), 12.0), ("d", at(6, 1), 1.0)
            )
        ]  # fmt: skip
        s1 = [
            make_scene(
                S1_COLLECTION, f"S1_{name}", when,
                {"instrumentMode": "IW", "transmitterReceiverPolarisation": ["VV", "VH"], "orbitProperties_pass": way, "relativeOrbitNumber_start": 22},
            )
            for name, when, way in (("a", at(3, 9), "ASCENDING"), ("b", at(3, 14), "DESCENDING"))
        ]  # fmt: skip
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


@pytest.fixture(scope="session")
def ee(url: str) -> Iterator[Any]:
    """The unmodified client, initialised once against the session's server."""
    import ee as client
    from google.auth.credentials import AnonymousCredentials

    with pytest.MonkeyPatch.context() as patch:
        for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            patch.delenv(name, raising=False)
        patch.setenv("https_proxy", "http://127.0.0.1:9")
        patch.setenv("no_proxy", "127.0.0.1")
        client.Initialize(credentials=AnonymousCredentials(), project="test", url=url)
        yield client
        client.Reset()


@pytest.fixture
def post(url: str) -> Callable[..., tuple[int, dict[str, Any]]]:
    """POST plain JSON to a compute endpoint of the session's server; (status, answer)."""

    def send(endpoint: str, body: Any) -> tuple[int, dict[str, Any]]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"{url}/v1/projects/test/{endpoint}", data=data, method="POST")
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    return send


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests to this machine go straight."""
    if not os.environ.get("no_proxy"):
        monkeypatch.setenv("no_proxy", "127.0.0.1")
