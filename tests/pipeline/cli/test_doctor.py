"""The command: what it looks at, what it leaves alone, and how it ends."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from pipeline.doctor import Finding, Health, torch_here
from pipeline.emulator.server import EmulatorServer

Noldo = Callable[..., Any]

CHECKS = {
    "Python", "Packages", "PyTorch", "GPU", "Cores", "Memory", "Disk", "Object storage", "Credentials", "Earth Engine",
    "Emulator", "Signatures",
}  # fmt: skip


@pytest.fixture(autouse=True)
def quick_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing torch anew takes many seconds; tests/pipeline/doctor/test_torch_here.py does it once."""
    found = [Finding("PyTorch", Health.OK, "torch"), Finding("GPU", Health.NOTE, "none", "use one")]
    monkeypatch.setattr(torch_here, "check_torch", lambda: found)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of any kind."""
    for name in [name for name in os.environ if name.startswith(("GOOGLE_", "EARTHENGINE_", "CLOUDSDK_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")


@pytest.fixture(scope="module")
def planet(serve_small_planet: Callable[..., EmulatorServer]) -> Iterator[str]:
    with serve_small_planet() as server:
        yield server.url


def test_without_options_everything_local_is_looked_at(noldo_here: Noldo, bare: None, tmp_path: Path) -> None:
    ended = noldo_here("doctor", "--json", cwd=tmp_path)
    findings = {each["check"]: each for each in ended.json["findings"]}
    assert set(findings) == CHECKS
    assert ended.status == (0 if ended.json["ok"] else 1)
    assert findings["Credentials"]["health"] == findings["Earth Engine"]["health"] == "note"
    assert "earthengine authenticate" in findings["Credentials"]["advice"]
    assert all(each["advice"] for each in ended.json["findings"] if each["health"] != "ok")
    assert ended.json["versions"]["noldo"]
    assert list(tmp_path.iterdir()) == []


def test_a_project_without_credentials_is_a_problem(noldo_here: Noldo, bare: None) -> None:
    ended = noldo_here("doctor", "--project", "p")
    assert ended.status == 1
    assert "problem Credentials" in ended.out
    assert "-> run 'earthengine authenticate'" in ended.out
    assert "Earth Engine    " not in ended.out  # asking it would only say the same once more


def test_a_key_file_that_is_not_there_is_named(noldo_here: Noldo, bare: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/absent/key.json")
    ended = noldo_here("doctor", "--project", "p")
    assert ended.status == 1
    assert "/absent/key.json" in ended.out


def test_a_run_on_an_emulator(noldo_here: Noldo, planet: str, tmp_path: Path) -> None:
    zarr.open_group(tmp_path / "store" / "nol.zarr", mode="w").create_array("dw", data=np.ones((3, 4), np.uint8))
    port = planet.rsplit(":", 1)[1].strip("/")
    ended = noldo_here(
        "doctor", "--url", planet, "--port", port, "--store", tmp_path, "--out", tmp_path / "new", "--json"
    )
    findings = {each["check"]: each for each in ended.json["findings"]}
    assert {findings[name]["health"] for name in ("Earth Engine", "Emulator", "Store", "Disk")} == {"ok"}
    assert "Sentinel-2" in findings["Earth Engine"]["found"]
    assert "planet 7" in findings["Emulator"]["found"]
    assert "Credentials" not in findings
    assert not (tmp_path / "new").exists()


def test_lines_say_what_to_do(noldo_here: Noldo, bare: None) -> None:
    ended = noldo_here("doctor", "--store", "/absent/run")
    assert ended.status == 1
    lines = ended.out.splitlines()
    (at,) = [n for n, line in enumerate(lines) if line.startswith("problem Store")]
    assert "no *.zarr in /absent/run/store" in lines[at]
    assert "noldo build --out" in lines[at + 1]
    assert lines[-1].startswith("1 problem, ")
