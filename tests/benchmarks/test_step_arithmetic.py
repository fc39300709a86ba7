import pytest
import torch

import benchmarks.step_arithmetic
from benchmarks.step_arithmetic import flops_a_location, matrix_flops_a_second
from training.settings import PretrainSettings


def test_operations_grow_with_the_pixels_and_are_those_of_the_paper() -> None:
    full, half = (flops_a_location(PretrainSettings(crop_px=px)) for px in (256, 128))
    assert full == pytest.approx(4 * half)
    assert full == pytest.approx(129.7e9, rel=0.01)


def test_one_modality_takes_about_half() -> None:
    both, one = (flops_a_location(PretrainSettings(crop_px=64, modalities=m)) for m in ("both", "s2"))
    assert 0.45 < one / both < 0.55


def test_the_rate_is_a_number_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(benchmarks.step_arithmetic.MATRIX, "cpu", 128)
    assert 0 < matrix_flops_a_second(torch.device("cpu"), torch.float32) < 1e15
