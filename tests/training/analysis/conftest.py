"""A tiny pretraining run with a network of every epoch, its store's truth, a set of raw tiles, and a transfer run."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import zarr
from numpy.typing import NDArray

from pipeline.schema.bands import S1_SCALING, S2_SCALING, Scaling
from training.analysis.run_data import RunData, open_run_data
from training.analysis.runs import PretrainRun, Runs, open_runs
from training.compute import Compute, settle_compute
from training.pretrain import pretrain
from training.settings import PretrainSettings
from training.transfer.run import transfer
from training.transfer.settings import TransferSettings


@dataclass(frozen=True)
class Folders:
    """What lies on the disk."""

    store: Path
    truth: Path
    both: Path
    """A run of both modalities, fused in the middle."""
    single: Path
    """A run of Sentinel-2 alone."""
    tiles: Path
    """A downstream store of 3 tiles of 40 px, a side that no encoder takes."""
    transferred: Path
    """A transfer run from `both` to `tiles`, frozen, of two repeats."""


def raw(stored: NDArray[np.uint8], scaling: Scaling) -> NDArray[np.float64]:
    """What was scaled to uint8 (..., C, H, W)."""
    low, span = scaling.low_and_span()
    return low[:, None, None] + stored / 255.0 * span[:, None, None]


def write_tiles(path: Path, store: Path, tiles: int = 3, px: int = 40) -> Path:
    """Tiles cut from a store's first patches, raw, labelled with their labels, 255 in a corner."""
    source = zarr.open_group(store, mode="r")
    cut = np.s_[:tiles, 0, ..., :px, :px]
    s2 = np.rint(raw(np.asarray(source["s2"])[cut], S2_SCALING)).clip(0, 65535).astype(np.uint16)
    s1 = raw(np.asarray(source["s1"])[cut], S1_SCALING).astype(np.float32)
    label = np.asarray(source["dw"])[cut].copy()
    label[:, :5, :7] = 255
    group = zarr.create_group(path, zarr_format=3, attributes={"content_digest": "sha256:of-the-tiles"})
    for name, values in (("s2", s2), ("s1", s1), ("dw", label)):
        group.create_array(name, data=values, chunks=(1, *values.shape[1:]))
    return path


@pytest.fixture(scope="session")
def folders(
    small: tuple[Path, Path], tiny_settings: PretrainSettings, tmp_path_factory: pytest.TempPathFactory
) -> Folders:
    store, truth = small
    root = tmp_path_factory.mktemp("analysed")
    changed = {"encoder": "tu-test_resnet", "decoder_channels": (16, 16, 8, 8, 8), "keep_every": 1}
    settings = PretrainSettings.model_validate({**tiny_settings.model_dump(), **changed})
    single = settings.model_copy(update={"modalities": "s2"})
    for name, chosen in (("both", settings), ("single", single)):
        pretrain(chosen, store, root / name, reference=truth, resume=False, on_progress=lambda progress: None)
    tiles = write_tiles(root / "dw_test.zarr", store)
    transfer(
        TransferSettings(
            source="noldo", encoder="tu-test_resnet", framework="unet", decoder_channels=(16, 16, 8, 8, 8),
            mode="frozen", epochs=1, cosine_epochs=1, batch_size=2, crop_px=32, seeds=2, device="cpu", threads=1,
        ),
        tiles, tiles, root / "both" / "weights.safetensors", root / "moved",
        name="moved", resume=False, on_progress=lambda progress: None,
    )  # fmt: skip
    return Folders(store, truth, root / "both", root / "single", tiles, root / "moved")


@pytest.fixture(scope="session")
def runs(folders: Folders) -> Runs:
    return open_runs([folders.both, folders.single, folders.transferred])


@pytest.fixture(scope="session")
def both(runs: Runs) -> PretrainRun:
    return runs.pretraining[0]


@pytest.fixture(scope="session")
def data(both: PretrainRun, folders: Folders) -> RunData:
    return open_run_data(both, None, folders.truth)


@pytest.fixture(scope="session")
def compute() -> Compute:
    return settle_compute(device="cpu", precision="float32", compiled="off", threads=1)


@pytest.fixture(scope="session")
def tiles_path(folders: Folders) -> Path:
    return folders.tiles


@pytest.fixture(scope="session")
def truth_path(folders: Folders) -> Path:
    return folders.truth
