"""Who a process is follows from torchrun's variables, all or none; one alone has nobody to talk to."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pipeline.schema.errors import UsageError
from training.world import ALONE, World, together, world_of


def test_without_torchrun_a_run_is_one_process() -> None:
    assert world_of({"PATH": "/bin"}) == ALONE
    assert ALONE.first
    assert ALONE.alone


def test_torchruns_variables_say_which_process_this_is() -> None:
    world = world_of({"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1"})
    assert world == World(rank=5, size=8, local_rank=1)
    assert not world.first
    assert not world.alone


@pytest.mark.parametrize(
    "environment",
    [
        {"RANK": "0"},
        {"WORLD_SIZE": "2", "LOCAL_RANK": "0"},
        {"RANK": "2", "WORLD_SIZE": "2", "LOCAL_RANK": "0"},
        {"RANK": "one", "WORLD_SIZE": "2", "LOCAL_RANK": "0"},
    ],
)
def test_half_of_them_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="torchrun sets RANK, WORLD_SIZE, LOCAL_RANK together"):
        world_of(environment)


def test_one_alone_keeps_what_it_has() -> None:
    values = torch.arange(3)
    with together(ALONE, torch.device("cpu")):
        assert ALONE.total(values) is values
        assert ALONE.every("it") == ["it"]
        assert ALONE.from_first(lambda: 7) == 7
    assert not torch.distributed.is_initialized()


def test_one_alone_raises_its_own_errors() -> None:
    with pytest.raises(RuntimeError, match="of gloo"), together(ALONE, torch.device("cpu")):
        raise RuntimeError("a defect that speaks of gloo")


def test_a_process_that_is_left_alone_says_so_and_the_other_why(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        """
import os, sys, time
import torch
from pipeline.schema.errors import NoldoError, UsageError
from training.world import together, world_of

world = world_of(os.environ)

def fail():
    raise UsageError("the folder is taken")

try:
    with together(world, torch.device("cpu")):
        assert world.total(torch.tensor([1.0 + world.rank])).tolist() == [3.0]
        assert world.every(f"of {world.rank}") == ["of 0", "of 1"]
        assert world.from_first(lambda: f"from {world.rank}") == "from 0"
        try:
            world.from_first(fail)
        except UsageError as error:
            assert str(error) == "the folder is taken"
        else:
            sys.exit("nothing was raised")
        if not world.first:
            raise NoldoError("a shard is damaged")
        world.total(torch.ones(1))
except NoldoError as error:
    print(error, flush=True)
    time.sleep(0 if world.first else 3)  # torchrun ends the other as soon as one has ended
    sys.exit(1)
"""
    )
    command = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(program))
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert sorted(done.stdout.splitlines()) == [
        "a shard is damaged",
        "process 0 of 2 has lost another one; what that one said last tells why",
    ], done.stderr
