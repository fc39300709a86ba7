import math

import pytest
import torch

from training.encoders.positions import grid_positions, resized, sines_and_cosines


def test_sines_then_cosines_of_falling_frequencies() -> None:
    found = sines_and_cosines(4, torch.tensor([3.0]))
    expected = [math.sin(3.0), math.sin(0.03), math.cos(3.0), math.cos(0.03)]
    assert found[0].tolist() == pytest.approx(expected, abs=1e-6)


def test_a_grid_tells_the_column_first_and_rows_in_turn() -> None:
    found = grid_positions(8, 2, 3, 10.0, torch.device("cpu"))
    assert found.shape == (6, 8)
    torch.testing.assert_close(found[5, :4], sines_and_cosines(4, torch.tensor([20.0]))[0])
    torch.testing.assert_close(found[5, 4:], sines_and_cosines(4, torch.tensor([10.0]))[0])
    torch.testing.assert_close(found[1, 4:], sines_and_cosines(4, torch.tensor([0.0]))[0])


def test_the_same_grid_is_left_as_it_is() -> None:
    position = torch.rand(1, 1 + 9, 5)
    assert resized(position, 3, 3) is position


def test_another_grid_keeps_the_first_and_the_order() -> None:
    ramp = torch.arange(16.0).reshape(1, 4, 4, 1) // 4  # grows from row to row
    position = torch.cat([torch.full((1, 1, 1), 7.0), ramp.reshape(1, 16, 1)], dim=1)
    found = resized(position, 8, 6)
    assert found.shape == (1, 1 + 48, 1)
    assert found[0, 0, 0] == 7.0
    grid = found[0, 1:, 0].reshape(8, 6)
    assert (grid.diff(dim=0) > 0).all()
    torch.testing.assert_close(grid, grid[:, :1].expand(8, 6))
