"""The map service over HTTP, beside Earth Engine: its address, its counts, and the faults that strike it too."""

from collections import Counter
from collections.abc import Iterator

import pytest
import requests

from pipeline.emulator.faults import parse_faults
from pipeline.emulator.planet import Planet
from pipeline.emulator.server import EmulatorServer
from pipeline.emulator.wms import LandUseService

LEGEND = {"request": "GetLegendGraphic", "layer": "osmlanduse:osm_lulc", "format": "application/json"}


@pytest.fixture(scope="module")
def server() -> Iterator[EmulatorServer]:
    faults = parse_faults("429:0.2,503:0.1,reset:0.1,truncate:0.1,badpixels:0.2,memory:0.1,401:0.1")
    with EmulatorServer(Planet(7), faults=faults, map_service=LandUseService(7)) as running:
        yield running


def test_faults_strike_maps_too_but_only_those_that_a_map_service_knows(server: EmulatorServer) -> None:
    met: Counter[str] = Counter()
    with requests.Session() as session:
        for _ in range(80):
            try:
                answer = session.get(f"{server.url}/wms", params=LEGEND, timeout=5)
            except requests.RequestException:
                met["broken"] += 1
                continue
            page = answer.headers["Content-Type"].startswith("text/html")
            met["page" if page else str(answer.status_code)] += 1
    assert {"200", "429", "503", "page", "broken"} == set(met)
    assert met["200"] > 15
    assert server.traffic.counts()["requests"]["wms"] == 80


def test_capabilities_name_the_address_that_was_asked(server: EmulatorServer) -> None:
    for _ in range(20):
        try:
            answer = requests.get(f"{server.url}/wms", params={"request": "GetCapabilities"}, timeout=5)
        except requests.RequestException:
            continue
        if answer.ok and b"WMS_Capabilities" in answer.content and answer.content.endswith(b">"):
            break
    assert f'xlink:href="{server.url}/wms?"' in answer.text


def test_without_a_map_service_there_is_none() -> None:
    with EmulatorServer(Planet(7)) as running:
        assert requests.get(f"{running.url}/wms", params=LEGEND, timeout=5).status_code == 404
