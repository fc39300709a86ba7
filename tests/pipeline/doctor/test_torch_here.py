"""torch and torchvision tried in a child; broken ones by interpreters that only pretend."""

import shutil
from pathlib import Path

import pytest

from pipeline.doctor import Health, torch_here
from pipeline.doctor.torch_here import PAIR_ADVICE, check_torch


def interpreter(folder: Path, script: str) -> str:
    """A program that is given what Python would be given, and answers as `script`."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_the_installed_pair_works() -> None:
    import torch

    works, gpu = check_torch()
    assert works.health is Health.OK
    assert torch.__version__ in works.found
    assert (gpu.health is Health.OK) == torch.cuda.is_available()


def test_a_pair_that_does_not_fit(tmp_path: Path) -> None:
    bad = interpreter(tmp_path, "echo 'RuntimeError: operator torchvision::nms does not exist' >&2; exit 1")
    (found,) = check_torch(bad)
    assert (found.health, found.advice) == (Health.PROBLEM, PAIR_ADVICE)
    assert "torchvision::nms" in found.found


def test_a_child_that_dies_without_a_word(tmp_path: Path) -> None:
    (found,) = check_torch(interpreter(tmp_path, "kill -SEGV $$"))
    assert found.health is Health.PROBLEM
    assert "-11" in found.found


@pytest.fixture
def about(tmp_path: Path) -> str:
    told = '{"torch": "2.15", "torchvision": "0.29", "cuda": %s, "gpus": [%s]}'
    return f"echo a warning; echo '{told}'"


def test_a_gpu_is_named_with_its_memory(tmp_path: Path, about: str) -> None:
    gpu = '{"name": "NVIDIA H100", "memory_gb": 85.1}'
    _, found = check_torch(interpreter(tmp_path, about % ('"13.2"', gpu)))
    assert (found.health, found.found) == (Health.OK, "NVIDIA H100 (85 GB)")


@pytest.mark.parametrize(("cuda", "says"), [("null", "torch without CUDA"), ('"13.2"', "torch for CUDA 13.2")])
def test_a_gpu_that_torch_does_not_see(
    tmp_path: Path, about: str, monkeypatch: pytest.MonkeyPatch, cuda: str, says: str
) -> None:
    listed = tmp_path / "nvidia-smi"
    listed.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA H100 (UUID: GPU-1)'\n")
    listed.chmod(0o755)
    monkeypatch.setattr(torch_here, "NVIDIA_SMI", str(listed))
    assert shutil.which(str(listed))
    _, found = check_torch(interpreter(tmp_path, about % (cuda, "")))
    assert found.health is Health.NOTE
    assert f"GPU 0: NVIDIA H100, but {says} does not see it" in found.found
    assert "driver" in found.advice


def test_an_import_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_here, "TIMEOUT_S", 0.2)
    (found,) = check_torch(interpreter(tmp_path, "exec sleep 5"))
    assert found.health is Health.PROBLEM
