"""What all repeats of a transfer run share."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.augment import Augmentation
from training.compute import Compute
from training.encoders.spec import EncoderSpec, InputSpec
from training.transfer.form import Form
from training.transfer.settings import TransferSettings
from training.transfer.tile_store import TileStore


@dataclass(frozen=True)
class Setup:
    """One transfer run, checked and opened."""

    settings: TransferSettings
    spec: EncoderSpec
    form: Form
    """Of the network."""
    image: InputSpec
    """What the encoder takes."""
    weights: Path | None
    train: TileStore
    test: TileStore
    rows: NDArray[np.int64]
    """Training tiles that are learned from."""
    compute: Compute

    @property
    def augmentation(self) -> Augmentation:
        """How training tiles are varied."""
        settings = self.settings
        return Augmentation(
            crop_px=settings.crop_px or self.train.tile_px,
            flip_p=settings.flip_p,
            rotation_p=settings.rotation_p,
            rotation_max_deg=settings.rotation_max_deg,
        )
