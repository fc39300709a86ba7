"""The emulator as a child process, over the planet itself."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from shapely import Point

from pipeline.emulator.planet import Planet
from pipeline.emulator.planet_spec import PlanetSpec
from pipeline.emulator.process import planet_of, running_emulator
from pipeline.emulator.scene import S1_COLLECTION
from pipeline.schema.errors import NoldoError
from pipeline.schema.grid import patch_grid

CALL = {"functionName": "Number.add", "arguments": {"left": {"constantValue": 1}, "right": {"constantValue": 2}}}
BODY = {"expression": {"result": "0", "values": {"0": {"functionInvocationValue": CALL}}}}
VALUE = "/v1/projects/test/value:compute"


def refuses(url: str) -> bool:
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) != 0


def test_one_that_is_killed_while_it_starts_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.kill()

    monkeypatch.setattr(subprocess, "Popen", Killed)
    told = r"the local Earth Engine was ended while it started \(signal 9\); run the same command again"
    with pytest.raises(NoldoError, match=told), running_emulator(7, "", 0.0, None):
        pass


def test_what_keeps_it_from_starting_is_said() -> None:
    wrong = "did not start: fault 'teapot:1' is not understood"
    with pytest.raises(NoldoError, match=wrong), running_emulator(7, "teapot:1", 0.0, None):
        pass


def test_a_taken_port_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(NoldoError, match=f"port {port} cannot be used"),
            running_emulator(7, "", 0.0, None, port=port),
        ):
            pass


def test_it_ends_when_its_parent_is_killed() -> None:
    parent = (
        "import time\nfrom pipeline.emulator.process import running_emulator\n"
        "with running_emulator(7, '', 0.0, None) as url:\n    print(url, flush=True)\n    time.sleep(100)\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().strip()
        assert not refuses(url)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    deadline = time.monotonic() + 20
    while not refuses(url) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert refuses(url)


def test_one_that_was_killed_gives_the_same_answers_when_started_again(request_to: Callable[..., Any]) -> None:
    command = [sys.executable, "-m", "pipeline.emulator", "--seed", "3", "--targets", "15.95,45.26"]
    command += ["--flaws", "offset:1,border:1,shift:1"]
    patch = patch_grid(15.95, 45.26, size_px=24)
    day = datetime(2021, 6, 1, tzinfo=UTC)
    found = Planet(3).search(S1_COLLECTION, patch.footprint_lonlat(), day, day + timedelta(days=6))
    load = {"functionName": "Image.load", "arguments": {"id": {"constantValue": found[0].asset_id}}}
    a, b, c, d, e, f = patch.affine
    affine = {"scaleX": a, "shearX": b, "translateX": c, "shearY": d, "scaleY": e, "translateY": f}
    body = {
        "expression": {"result": "0", "values": {"0": {"functionInvocationValue": load}}},
        "fileFormat": "NPY",
        "grid": {"crsCode": "EPSG:32633", "affineTransform": affine, "dimensions": {"width": 24, "height": 24}},
    }
    answers, statuses = [], []
    for number in (signal.SIGKILL, signal.SIGTERM):
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            url = process.stdout.readline().decode().strip()
            assert url.startswith("http://127.0.0.1:"), "the first line is the URL"
            pixels = request_to(url, "POST", "/v1/projects/test/image:computePixels", body)
            image = request_to(url, "POST", VALUE, {"expression": body["expression"]})
            wrong = request_to(url, "GET", f"/diagnostics/flaws?asset={found[0].asset_id}").json
            answers.append((pixels.status, pixels.body, image.body, wrong, planet_of(url)))
            process.send_signal(number)
            statuses.append(process.wait(20))
    assert statuses == [-signal.SIGKILL, 0]
    assert answers[0] == answers[1]
    assert answers[0][0] == 200
    assert set(answers[0][3][found[0].asset_id]) == {"border_m", "shift_px"}


def test_it_serves_says_which_planet_it_is_and_ends_with_the_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request_to: Callable[..., Any]
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    place = gpd.GeoDataFrame(
        {"time": [gpd.pd.Timestamp("2020-01-06 10:04:01")], "tile_id": ["T33TWL"]}, geometry=[Point(16, 45)], crs=4326
    )
    locations = tmp_path / "list.parquet"
    place.to_parquet(locations)
    with running_emulator(11, "", 0.0, locations, log=tmp_path / "log") as url:
        told = planet_of(url)
        assert request_to(url, "POST", VALUE, BODY).json == {"result": 3}
    assert refuses(url)
    assert (tmp_path / "log").read_text() == ""
    assert told == {"seed": 11, "locations_sha256": hashlib.sha256(locations.read_bytes()).hexdigest()}
    assert told == PlanetSpec(11, locations).identity()


def test_no_emulator_is_said_in_one_line(url: str) -> None:
    with pytest.raises(NoldoError, match=r"no emulator answers at http://127\.0\.0\.1:9") as caught:
        planet_of("http://127.0.0.1:9")
    assert "\n" not in str(caught.value)
    with pytest.raises(NoldoError, match="HTTP 404"):
        planet_of(f"{url}/elsewhere")
