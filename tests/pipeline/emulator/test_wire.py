import json
from collections.abc import Callable
from typing import Any

from pipeline.emulator import wire


def test_discovery_points_at_the_emulator(url: str, request_to: Callable[..., Any]) -> None:
    document = request_to(url, "GET", "/$discovery/rest?version=v1").json
    assert document["version"] == "v1"
    assert document["rootUrl"] == document["baseUrl"] == url + "/"
    paths = document["resources"]["projects"]["resources"]["value"]["methods"]["compute"]["path"]
    assert paths == "v1/{+project}/value:compute"


def test_algorithms_are_those_of_the_wheel(url: str, request_to: Callable[..., Any]) -> None:
    listed = request_to(url, "GET", "/v1/projects/test/algorithms?prettyPrint=false").json
    assert listed == json.loads(wire.algorithms_document())
