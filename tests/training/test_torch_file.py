from pathlib import Path

import pytest
import torch

from training.torch_file import write_torch


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    write_torch(path, {"a": torch.arange(3)})
    with pytest.raises((AttributeError, TypeError)):
        write_torch(path, {"a": lambda: None})
    assert torch.load(path, weights_only=True)["a"].tolist() == [0, 1, 2]
    assert [file.name for file in tmp_path.iterdir()] == ["state.pt"]
