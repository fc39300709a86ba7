"""Who a process is follows from torchrun's variables, all or none; one alone has nobody to talk to."""

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
