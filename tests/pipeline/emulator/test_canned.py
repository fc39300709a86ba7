"""Canned pixels: computed once a family of requests, checked like any other, and told of at /diagnostics/planet."""

import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from pipeline.emulator import canned
from pipeline.emulator.canned import Canned
from pipeline.emulator.replies import Reply, error_reply
from pipeline.emulator.server import EmulatorServer
from pipeline.emulator.service import COMPUTE_PIXELS, COMPUTE_VALUE

PATH = "/v1/projects/test/image:computePixels"


def request(scene: str = "S2_b", left_m: float = 500_000, width: int = 8, band: str = "B4") -> dict[str, Any]:
    load = {"functionName": "Image.load", "arguments": {"id": {"constantValue": f"COPERNICUS/S2_HARMONIZED/{scene}"}}}
    chosen = {"input": {"functionInvocationValue": load}, "bandSelectors": {"constantValue": [band]}}
    node = {"functionInvocationValue": {"functionName": "Image.select", "arguments": chosen}}
    affine = {"scaleX": 10, "shearX": 0, "translateX": left_m, "shearY": 0, "scaleY": -10, "translateY": 5_299_000}
    return {
        "expression": {"result": "0", "values": {"0": node}},
        "fileFormat": "NPY",
        "grid": {
            "crsCode": "EPSG:32633", "affineTransform": affine, "dimensions": {"width": width, "height": 6},
        },
    }  # fmt: skip


class Counting:
    """Answers with a number that goes up."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def __call__(self, endpoint: str, body: bytes) -> Reply:
        self.asked.append(body)
        failed = b"absent" in body
        return error_reply(400, "not found") if failed else Reply(200, endpoint, str(len(self.asked)).encode())

    def close(self) -> None:
        self.asked.clear()


def test_a_family_is_computed_once() -> None:
    inner = Counting()
    server = Canned(inner)
    bodies = [json.dumps(request(scene, left)).encode() for scene in ("S2_a", "S2_b") for left in (500_000, 500_990.0)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: server(COMPUTE_PIXELS, body).body, bodies * 5))
    assert set(answers) == {b"1"}
    assert len(inner.asked) == 1


@pytest.mark.parametrize("change", [{"width": 9}, {"band": "B3"}])
def test_other_bands_or_sizes_are_another_family(change: dict[str, Any]) -> None:
    server = Canned(Counting())
    assert server(COMPUTE_PIXELS, json.dumps(request()).encode()).body == b"1"
    assert server(COMPUTE_PIXELS, json.dumps(request(**change)).encode()).body == b"2"


def test_values_and_errors_are_never_kept() -> None:
    server = Canned(Counting())
    assert [server(COMPUTE_VALUE, b"{}").body for _ in range(2)] == [b"1", b"2"]
    absent = json.dumps(request("absent")).encode()
    assert [server(COMPUTE_PIXELS, absent).status for _ in range(2)] == [400, 400]
    assert server(COMPUTE_PIXELS, json.dumps(request()).encode()).body == b"5"


def test_the_family_longest_unused_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canned, "KEPT", 2)
    server = Canned(Counting())
    one, two, three = (json.dumps(request(width=width)).encode() for width in (1, 2, 3))
    for body in (one, two, one, three):
        server(COMPUTE_PIXELS, body)
    assert server(COMPUTE_PIXELS, one).body == b"1"
    assert server(COMPUTE_PIXELS, two).body == b"4"


def test_pixels_have_the_right_form_and_the_server_says_what_they_are(
    world: Any, request_to: Callable[..., Any]
) -> None:
    with EmulatorServer(world, canned=True, identity={"canned": True}) as server:
        first = request_to(server.url, "POST", PATH, request("S2_b", 500_000))
        other = request_to(server.url, "POST", PATH, request("S2_a", 501_000))
        assert request_to(server.url, "GET", "/diagnostics/planet").json == {"canned": True}
        refused = request_to(server.url, "POST", PATH, request("S2_a", width=40_000))
    assert first.body == other.body, "not of the asked place"
    assert np.load(io.BytesIO(first.body)).shape == (6, 8)
    assert "must be less than or equal to 32768" in refused.message
    assert len(world.reads) == 1
