"""Memory comes back once nobody holds it, and never before."""

import gc
from collections.abc import Callable
from typing import Any

import pytest
import torch

from training.host_memory import HostMemory


def test_what_is_let_go_is_handed_out_again() -> None:
    memory = HostMemory()
    first = memory.take((2, 3), pin=False)
    place = first.data_ptr()
    other = memory.take((2, 3), pin=False)
    assert other.data_ptr() != place
    del first
    gc.collect()
    assert memory.take((3, 2), pin=False).data_ptr() == place  # of the same size, whatever the shape
    assert memory.take((7,), pin=False).data_ptr() != place


@pytest.mark.parametrize("view", [lambda t: t[1:], lambda t: t.numpy(), lambda t: t.view(20)[5:]])
def test_a_view_holds_the_memory_as_the_tensor_does(view: Callable[[torch.Tensor], Any]) -> None:
    memory = HostMemory()
    whole = memory.take((4, 5), pin=False)
    whole.fill_(7)
    kept = view(whole)
    place = whole.data_ptr()
    del whole
    gc.collect()
    fresh = memory.take((4, 5), pin=False)
    assert fresh.data_ptr() != place
    fresh.fill_(9)
    assert (kept == 7).all()


def test_tensors_are_bytes_of_the_shape_asked_for() -> None:
    taken = HostMemory().take((2, 13, 8, 8), pin=False)
    assert taken.dtype is torch.uint8
    assert taken.shape == (2, 13, 8, 8)
    assert taken.is_contiguous()
    taken[:] = 3


def test_memory_outlives_its_keeper() -> None:
    taken = HostMemory().take((1000,), pin=False)
    gc.collect()
    taken.fill_(5)
    assert int(taken.sum()) == 5000
