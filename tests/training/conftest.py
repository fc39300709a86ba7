"""A small store whose labels follow from its images, with noise, and the truth that they came from."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import zarr
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter, zoom
from zarr.codecs import BloscCodec, Crc32cCodec

from training.settings import PretrainSettings

StoreWriter = Callable[..., tuple[Path, Path]]


def land_cover(rng: np.random.Generator, patch_px: int, classes: int) -> NDArray[np.uint8]:
    """(4, P, P) classes in patches; the first class is the commonest; a season differs a little from the next."""
    coarse = rng.standard_normal((classes, 6, 6))
    coarse[0] += 0.4
    layers = []
    for _ in range(4):
        field = np.stack([zoom(c, patch_px / 6, order=1) for c in coarse + 0.2 * rng.standard_normal(coarse.shape)])
        layers.append(field.argmax(0))
    return np.stack(layers).astype(np.uint8)


def corrupt(rng: np.random.Generator, truth: NDArray[np.uint8], share: float, classes: int) -> NDArray[np.uint8]:
    """Replace blobs that cover `share` of the pixels by other classes, and unlabel a corner of the last season."""
    blobs = uniform_filter(rng.standard_normal(truth.shape), size=(1, 9, 9))
    wrong = blobs > np.quantile(blobs, 1.0 - share)
    label = np.where(wrong, (truth + rng.integers(1, classes, size=(len(truth), 1, 1))) % classes, truth)
    label[3, :8, :8] = 255
    return label.astype(np.uint8)


def images(
    rng: np.random.Generator, truth: NDArray[np.uint8], bands: int, spread: float, classes: int
) -> NDArray[np.uint8]:
    """(4, bands, P, P): every class has its own spectrum, the same in every location, plus noise."""
    spectra = np.random.default_rng(bands).uniform(60, 200, size=(classes, bands))
    clean = np.moveaxis(spectra[truth], -1, 1)
    return np.clip(clean + spread * rng.standard_normal(clean.shape), 0, 255).astype(np.uint8)


def write_store(
    folder: Path, *, locations: int = 8, patch_px: int = 72, noise: float = 0.2, classes: int = 4, seed: int = 0
) -> tuple[Path, Path]:
    """Write folder/nol.zarr and folder/truth.zarr in the project's layout; return their paths."""
    rng = np.random.default_rng(seed)
    truth = np.stack([land_cover(rng, patch_px, classes) for _ in range(locations)])
    arrays = {
        "s1": np.stack([images(rng, t, 2, 25.0, classes) for t in truth]),
        "s2": np.stack([images(rng, t, 13, 15.0, classes) for t in truth]),
        "dw": np.stack([corrupt(rng, t, noise, classes) for t in truth]),
    }
    store = zarr.create_group(folder / "nol.zarr", zarr_format=3)
    for name, values in arrays.items():
        inner = (1, 4, *values.shape[2:]) if name == "dw" else (1, 1, *values.shape[2:])
        array = store.create_array(
            name,
            shape=values.shape,
            chunks=inner,
            shards=(4, *values.shape[1:]),
            dtype="uint8",
            fill_value=255 if name == "dw" else 0,
            compressors=[BloscCodec(cname="lz4", shuffle="noshuffle"), Crc32cCodec()],
        )
        array[:] = values
    zarr.create_group(folder / "truth.zarr", zarr_format=3).create_array("truth", data=truth)
    return folder / "nol.zarr", folder / "truth.zarr"


@pytest.fixture(scope="session")
def store_writer() -> StoreWriter:
    return write_store


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A store and its truth, for reading only."""
    return write_store(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def tiny_settings() -> PretrainSettings:
    """A run of a second on one core, by a network of few weights: they are saved again and again."""
    return PretrainSettings.model_validate(
        {
            "encoder": "tu-resnet10t",
            "decoder_channels": (32, 16, 8),
            "crop_px": 32,
            "epochs": 2,
            "batch_size": 4,
            "learning_rate": 3e-3,
            "val_fraction": 0.2,
            "device": "cpu",
            "threads": 1,
            "objective": {"ramp_epochs": 2},
        }
    )


@pytest.fixture(autouse=True)
def _own_random_state() -> None:
    torch.manual_seed(0)
