import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import benchmarks.step_arithmetic
from benchmarks.step_arithmetic import flops_a_location, matrix_product
from training.settings import PretrainSettings


def test_operations_grow_with_the_pixels_and_are_those_of_the_paper() -> None:
    full, half = (flops_a_location(PretrainSettings(crop_px=px)) for px in (256, 128))
    assert full == pytest.approx(4 * half)
    assert full == pytest.approx(129.7e9, rel=0.01)


def test_one_modality_takes_about_half() -> None:
    both, one = (flops_a_location(PretrainSettings(crop_px=64, modalities=m)) for m in ("both", "s2"))
    assert 0.45 < one / both < 0.55


def test_a_product_of_matrices_tells_its_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(benchmarks.step_arithmetic.MATRIX, "cpu", 128)
    multiply, flops = matrix_product(torch.device("cpu"), torch.float32)
    with FlopCounterMode(display=False) as counter:
        multiply()
    assert counter.get_total_flops() == flops
