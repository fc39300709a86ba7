"""A whole run on a GPU: bf16, compiled or not, stopped and resumed. Skipped where there is no GPU."""

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import zarr

from training.epoch_log import read_log
from training.pretrain import pretrain
from training.progress import PretrainProgress
from training.settings import PretrainSettings

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]

LOCATIONS, PX = 12, 72


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gpu") / "nol.zarr"
    group, rng = zarr.create_group(path, zarr_format=3), np.random.default_rng(0)
    for name, bands, high in (("s1", (2,), 256), ("s2", (13,), 256), ("dw", (), 9)):
        shape = (LOCATIONS, 4, *bands, PX, PX)
        group.create_array(name, data=rng.integers(0, high, shape, dtype=np.uint8), chunks=(1, 1, *shape[2:]))
    return path


def settings(**values: Any) -> PretrainSettings:
    return PretrainSettings.model_validate(
        {"encoder": "resnet18", "crop_px": 64, "epochs": 2, "batch_size": 4, "val_fraction": 0.2, **values}
    )


def losses(store: Path, out: Path, chosen: PretrainSettings, *, stop_at: tuple[int, int] | None = None) -> list[float]:
    def watch(progress: PretrainProgress) -> None:
        if (progress.epoch, progress.step) == stop_at:
            signal.raise_signal(signal.SIGINT)

    pretrain(chosen, store, out, reference=None, resume=True, on_progress=watch)
    return [line["train_loss"] for line in read_log(out / "log.jsonl", chosen.epochs)]


def test_it_trains_as_the_cpu_does(store: Path, tmp_path: Path) -> None:
    plain = settings(precision="float32", compile="off", learning_rate=1e-4)
    on_cpu = losses(store, tmp_path / "cpu", plain.model_copy(update={"device": "cpu"}))
    assert losses(store, tmp_path / "gpu", plain.model_copy(update={"device": "cuda"})) == pytest.approx(
        on_cpu, rel=2e-2
    )
    bf16 = settings(precision="bf16", compile="on", device="cuda", learning_rate=1e-4)
    assert losses(store, tmp_path / "bf16", bf16) == pytest.approx(on_cpu, rel=5e-2)


def test_it_goes_on_after_ctrl_c(store: Path, tmp_path: Path) -> None:
    chosen = settings(device="cuda", compile="off", learning_rate=1e-4)
    with pytest.raises(KeyboardInterrupt):
        losses(store, tmp_path / "r", chosen, stop_at=(1, 3))
    assert losses(store, tmp_path / "r", chosen) == pytest.approx(losses(store, tmp_path / "whole", chosen), rel=2e-2)
