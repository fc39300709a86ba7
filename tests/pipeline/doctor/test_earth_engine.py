"""Earth Engine asked once: an emulator that answers, one that refuses, and none at all."""

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.doctor import Health, earth_engine
from pipeline.doctor.earth_engine import check_call, check_credentials
from pipeline.emulator.faults import parse_faults
from pipeline.emulator.server import EmulatorServer
from pipeline.schema.errors import FailureKind, SourceError

Serve = Callable[..., EmulatorServer]


def free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def test_scenes_of_one_place(serve_small_planet: Serve) -> None:
    with serve_small_planet() as server:
        found = check_call(server.url, None)
    assert found.health is Health.OK
    assert found.found.startswith(f"{server.url} answered in ")
    assert " Sentinel-1 scenes of one place" in found.found


def test_a_service_that_refuses(serve_small_planet: Serve) -> None:
    with serve_small_planet(faults=parse_faults("401:1.0"), fault_seed=1) as server:
        found = check_call(server.url, None)
    assert found.health is Health.PROBLEM
    assert "refused" in found.found
    assert "earthengine authenticate" in found.advice


def test_nobody_there() -> None:
    found = check_call(f"http://127.0.0.1:{free_port()}", None)
    assert found.health is Health.PROBLEM
    assert "does not answer" in found.found
    assert "noldo emulator serve" in found.advice


def test_without_a_project_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earth_engine, "EarthEngineSource", lambda *_, **__: pytest.fail("asked"))
    found = check_call("https://earthengine-highvolume.googleapis.com", None)
    assert found.health is Health.NOTE
    assert "--project" in found.advice


def test_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object, **__: object) -> None:
        raise SourceError(FailureKind.TRANSIENT, "Earth Engine at U does not answer (no answer: no name); check it")

    monkeypatch.setattr(earth_engine, "EarthEngineSource", silent)
    found = check_call("https://earthengine-highvolume.googleapis.com", "p")
    assert found.health is Health.PROBLEM
    assert found.found == "Earth Engine at U does not answer (no answer: no name)"
    assert "HTTPS_PROXY" in found.advice


def test_a_key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tmp_path / "key.json"
    user = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "t"}
    key.write_text(json.dumps(user))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    assert str(key) in check_credentials(wanted=True).found
    key.write_text("{}")
    found = check_credentials(wanted=True)
    assert found.health is Health.PROBLEM
    assert str(key) in found.found
    assert check_credentials(wanted=False).health is Health.NOTE
