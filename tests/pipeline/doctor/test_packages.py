"""Requirements against what is installed, on made-up distributions."""

import sys
from pathlib import Path

import pytest

from pipeline.doctor import Health
from pipeline.doctor.packages import check_packages, check_python, contradictions, versions


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(folder: Path, name: str, version: str, *needs: str) -> None:
    about = folder / f"{name}-{version}.dist-info"
    about.mkdir()
    lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {text}" for text in needs)]
    (about / "METADATA").write_text("Metadata-Version: 2.1\n" + "\n".join(lines) + "\n")


def test_what_lacks_and_what_is_too_old(installed: Path) -> None:
    install(installed, "madeup", "1.0", "madeup-pair==0.29", "madeup-absent>=2", "madeup-linked[more]")
    install(installed, "madeup_pair", "0.28")
    install(installed, "madeup_linked", "1.0", "madeup-extra>3; extra == 'more'", "madeup-none; extra == 'other'")
    install(installed, "madeup_extra", "3.0", "madeup")  # a circle ends
    assert sorted(contradictions("madeup")) == [
        "madeup needs madeup-absent>=2, which is not installed",
        "madeup needs madeup-pair==0.29, installed is 0.28",
        "madeup-linked needs madeup-extra>3, installed is 3.0",
    ]
    found = check_packages("madeup")
    assert found.health is Health.PROBLEM
    assert found.advice


def test_markers_of_other_systems_count_for_nothing(installed: Path) -> None:
    install(installed, "madeup", "1.0", "madeup-absent; sys_platform == 'plan9'", "madeup-none; python_version < '3'")
    assert list(contradictions("madeup")) == []


def test_a_package_that_is_not_there() -> None:
    assert "not installed" in check_packages("madeup-nowhere").found


def test_this_environment() -> None:
    assert check_packages().health is Health.OK
    assert versions()["torch"] in check_packages().found


def test_python(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_python().health is Health.OK
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    assert check_python().health is Health.PROBLEM
