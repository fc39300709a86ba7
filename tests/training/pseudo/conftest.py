"""A small store to write into, and a teacher of a few seconds."""

import shutil
from pathlib import Path

import pytest

from training.pseudo.settings import PseudoLabelSettings


@pytest.fixture
def store(small: tuple[Path, Path], tmp_path: Path) -> Path:
    """A store of one's own: 8 locations of 72 px, four classes."""
    path = tmp_path / "run" / "nol.zarr"
    shutil.copytree(small[0], path)
    return path


@pytest.fixture(scope="session")
def few() -> PseudoLabelSettings:
    """A teacher of two epochs, and labels without test-time augmentation."""
    return PseudoLabelSettings.model_validate(
        {
            "teacher": {
                "encoder": "tu-resnet10t",
                "decoder_channels": (16, 8, 8),
                "crop_px": 32,
                "epochs": 2,
                "batch_size": 4,
                "learning_rate": 3e-3,
                "confidence": 0.3,
                "ema_decay": 0.8,
                "val_fraction": 0.2,
                "device": "cpu",
                "threads": 1,
            },
            "write": {"flips": False, "scales": [1.0], "batch_size": 8},
        }
    )
