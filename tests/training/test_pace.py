"""A CPU is never ahead; a GPU never more than some steps behind."""

import pytest
import torch

from training.pace import STEPS_AHEAD, Pace


def test_on_a_cpu_nothing_is_waited_for() -> None:
    pace = Pace(torch.device("cpu"))
    for _ in range(10):
        pace.step_queued()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_on_a_gpu_the_steps_before_the_last_few_are_done() -> None:
    pace, done = Pace(torch.device("cuda")), []
    work = torch.ones(2000, 2000, device="cuda")
    for _ in range(10):
        work = work @ work / 2000
        event = torch.cuda.Event()
        event.record()
        done.append(event)
        pace.step_queued()
        assert all(event.query() for event in done[:-STEPS_AHEAD])
