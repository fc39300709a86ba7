"""Nothing that is no finite number passes, wherever it sits."""

from pathlib import Path
from typing import Any

import pytest
import torch

from training.diverged import all_finite, diverged


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_one_bad_value_anywhere_is_found(bad: float) -> None:
    assert all_finite({"a": torch.ones(3), "b": [{"n": torch.tensor(1), "x": 1.0}], "c": None, "d": "word"})
    poisoned = torch.ones(3, 4)
    poisoned[2, 3] = bad
    places: list[Any] = [poisoned, {"a": poisoned}, [1.0, {"b": (poisoned,)}], bad, {"x": [bad]}, poisoned.bfloat16()]
    assert [all_finite(place) for place in places] == [False] * len(places)


def test_the_checkpoint_is_named_where_there_is_one(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint-last.pt"
    assert "kept" not in str(diverged("the loss is nan", path))
    path.touch()
    assert str(diverged("the loss is nan", path)).splitlines() == [
        "the loss is nan; try a lower learning_rate or precision float32.",
        f"The last sound state is kept in {path}.",
    ]
