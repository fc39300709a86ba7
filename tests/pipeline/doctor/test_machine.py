"""Memory limits of either kind of control group, and programs that are not there."""

from pathlib import Path

import pytest

from pipeline.doctor import Health, machine
from pipeline.doctor.machine import check_cores, check_memory, check_ssh_keygen, memory_limit_bytes


def groups(folder: Path, line: str, limits: dict[str, str]) -> Path:
    for name, text in limits.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text + "\n")
    own = folder / "own"
    own.write_text(f"3:cpu:/\n{line}\n")
    return own


@pytest.mark.parametrize(
    ("line", "limits", "bytes_"),
    [
        ("0::/job/step", {"job/step/memory.max": "max", "job/memory.max": "4000"}, 4000),
        ("0::/job/step", {"job/step/memory.max": "3000", "job/memory.max": "4000"}, 3000),
        ("0::/", {"memory.max": "max"}, None),
        ("0::/", {}, None),
        ("0::/outside/of/what/is/mounted", {"memory.max": "5000"}, 5000),
        ("4:memory,cpu:/job", {"memory/job/memory.limit_in_bytes": "2000"}, 2000),
        ("4:memory:/host/job", {"memory/memory.limit_in_bytes": "1000"}, 1000),
        ("4:memoryless:/job", {"memory/job/memory.limit_in_bytes": "2000"}, None),
    ],
)
def test_the_smallest_limit_counts(tmp_path: Path, line: str, limits: dict[str, str], bytes_: int | None) -> None:
    assert memory_limit_bytes(tmp_path, groups(tmp_path, line, limits)) == bytes_


def test_a_system_without_control_groups(tmp_path: Path) -> None:
    assert memory_limit_bytes(tmp_path, tmp_path / "absent") is None


def test_too_little_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "memory_limit_bytes", lambda: 10**9)
    found = check_memory()
    assert found.health is Health.NOTE
    assert found.found.startswith("1.0 GB free of ")
    assert "a limit of 1.0 GB holds here" in found.found
    assert "--workers" in found.advice


def test_cores() -> None:
    assert check_cores().health is Health.OK


def test_no_ssh_keygen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = check_ssh_keygen()
    assert found.health is Health.NOTE
    assert "openssh-client" in found.advice
