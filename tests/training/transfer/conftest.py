"""Small downstream stores whose labels follow from their images, and settings small enough for a test."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import zarr
from scipy.ndimage import zoom

from pipeline.schema.bands import S1_NODATA
from pipeline.tile_arrays import LEGENDS, LabelName, create_tile_arrays
from training.transfer.settings import TransferSettings

StoreWriter = Callable[..., Path]


def write_tile_store(
    path: Path,
    *,
    tiles: int = 5,
    px: int = 40,
    labels: tuple[LabelName, ...] = ("dw",),
    classes: int = 3,
    seed: int = 0,
) -> Path:
    """Write a downstream store: blobs of classes, each with its spectrum, and pixels without data or label."""
    rng = np.random.default_rng(seed)
    group = zarr.create_group(path, attributes={"content_digest": f"sha256:{path.name}-{tiles}-{px}-{seed}"})
    create_tile_arrays(group, n_rows=tiles, size_px=px, shard_rows=4, codec="lz4", labels=labels)
    spectra = np.random.default_rng(1).uniform(500, 3500, size=(classes, 13))
    backscatter = np.random.default_rng(2).uniform(-25, -5, size=(classes, 2))
    for row in range(tiles):
        fields = [zoom(rng.standard_normal((3, 3)), px / 3, order=1)[:px, :px] for _ in range(classes)]
        place = np.stack(fields).argmax(0)
        s2 = np.moveaxis(spectra[place], -1, 0) + rng.normal(0, 150, size=(13, px, px))
        s1 = np.moveaxis(backscatter[place], -1, 0) + rng.normal(0, 1, size=(2, px, px))
        s2[:, :3, :5], s1[:, :3, :5] = 0, S1_NODATA
        group["s2"][row] = np.clip(s2, 0, 10000).astype(np.uint16)
        group["s1"][row] = s1.astype(np.float32)
        for name in labels:
            label = np.array([c.code for c in LEGENDS[name]], np.uint8)[place]
            label[:6, :6] = 255
            group[name][row] = label
    return path


@pytest.fixture
def tile_store() -> StoreWriter:
    return write_tile_store


@pytest.fixture
def small() -> Callable[..., TransferSettings]:
    """Settings of a U-Net on random weights that learns in no time."""

    def made(**changes: Any) -> TransferSettings:
        base: dict[str, Any] = {
            "source": "random",
            "encoder": "tu-resnet10t",
            "encoder_depth": 3,
            "decoder_channels": (16, 8, 8),
            "epochs": 2,
            "cosine_epochs": 2,
            "batch_size": 3,
            "crop_px": 32,
            "seeds": 2,
            "shown_tiles": 2,
            "device": "cpu",
        }
        return TransferSettings(**{**base, **changes})

    return made


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Bits may differ between numbers of threads."""
    torch.set_num_threads(1)
