"""The two entry points, as processes, beside programs that only say how they were called."""

import os
import subprocess
from pathlib import Path

import pytest

SAY = '#!/bin/sh\necho "$(basename "$0") $*"\n'
GPUS = "#!/bin/sh\necho 'GPU 0: one (UUID: a)'\necho 'GPU 1: two (UUID: b)'\n"


def called(project: Path, tmp_path: Path, entry: str, *arguments: str, **more: str) -> str:
    """What an entry point calls in the end."""
    for name in ("noldo", "dask", "torchrun"):
        (tmp_path / name).write_text(SAY)
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": os.environ.get("HOME", "/"), **more}
    command = [project / "containers" / entry, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("build", "a b.yaml", "--out", "runs/x"), "noldo build a b.yaml --out runs/x"),
        (("--help",), "noldo --help"),
        ((), "noldo"),
        (("noldo", "plan", "r.yaml"), "noldo plan r.yaml"),
        (("dask", "worker", "tcp://s:8786"), "dask worker tcp://s:8786"),
    ],
)
def test_the_first_runs_noldo_or_a_program_of_the_image(
    project: Path, tmp_path: Path, given: tuple[str, ...], expected: str
) -> None:
    assert called(project, tmp_path, "pipeline", *given) == expected


def test_the_second_pretrains_in_one_process_where_there_is_no_gpu(project: Path, tmp_path: Path) -> None:
    assert called(project, tmp_path, "train", "r.yaml", "--resume", NOLDO_GPUS="0") == "noldo pretrain r.yaml --resume"
    assert called(project, tmp_path, "train", "r.yaml", NOLDO_GPUS="1") == "noldo pretrain r.yaml"


def test_the_second_starts_a_process_for_each_gpu(project: Path, tmp_path: Path) -> None:
    (tmp_path / "nvidia-smi").write_text(GPUS)
    (tmp_path / "nvidia-smi").chmod(0o755)
    expected = "torchrun --standalone --nproc-per-node 2 --no-python noldo pretrain r.yaml --out o"
    assert called(project, tmp_path, "train", "r.yaml", "--out", "o") == expected
    assert called(project, tmp_path, "train", NOLDO_GPUS="1") == "noldo pretrain"


def test_a_driver_that_is_missing_counts_as_no_gpu(project: Path, tmp_path: Path) -> None:
    """nvidia-smi without a driver fails and says so on standard output."""
    (tmp_path / "nvidia-smi").write_text('#!/bin/sh\necho "NVIDIA-SMI has failed"\nexit 9\n')
    (tmp_path / "nvidia-smi").chmod(0o755)
    assert called(project, tmp_path, "train", "r.yaml") == "noldo pretrain r.yaml"
