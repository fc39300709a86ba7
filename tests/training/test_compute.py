"""Devices are settled plainly, and the network's inputs are what the store says they are."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.schema.bands import S2_BANDS, S2_BANDS_9
from pipeline.schema.errors import UsageError
from training.augment import centre
from training.compute import Compute, choose_compute, network_inputs
from training.dataset import open_store
from training.epoch_plan import in_batches
from training.loader import read_batches
from training.settings import PretrainSettings

CPU = Compute(torch.device("cpu"), bf16=False)


def test_the_cpu_computes_in_float32() -> None:
    assert choose_compute(PretrainSettings(device="cpu")) == CPU


@pytest.mark.parametrize(("asked", "compiled"), [("auto", False), ("off", False), ("on", True)])
def test_a_cpu_compiles_only_where_asked_to(asked: str, compiled: bool) -> None:
    settings = PretrainSettings.model_validate({"device": "cpu", "compile": asked})
    assert choose_compute(settings).compile is compiled


def test_bf16_on_a_cpu_is_refused() -> None:
    with pytest.raises(UsageError, match="bf16"):
        choose_compute(PretrainSettings(device="cpu", precision="bf16"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="no GPU"):
        choose_compute(PretrainSettings(device="cuda"))


@pytest.mark.parametrize("bands", [13, 9])
def test_inputs_are_the_stored_bands_over_255(small: tuple[Path, Path], bands: int) -> None:
    (plan,) = in_batches(np.array([3, 0]), np.array([1, 2]), 2)
    (batch,) = read_batches(open_store(small[0]), [plan], pin=False)
    inputs = network_inputs(batch, centre(2, 64, 72), s2_bands=bands, compute=CPU)
    names = S2_BANDS if bands == 13 else S2_BANDS_9
    chosen = [S2_BANDS.index(name) for name in names]
    assert torch.equal(inputs.s2, batch.s2[:, chosen, 4:68, 4:68].float() / 255)
    assert torch.equal(inputs.s1, batch.s1[:, :, 4:68, 4:68].float() / 255)
    assert torch.equal(inputs.labels, batch.labels[:, :, 4:68, 4:68])
    assert torch.equal(inputs.label, torch.stack([batch.labels[0, 1], batch.labels[1, 2]])[:, 4:68, 4:68])
    assert inputs.s2.is_contiguous(memory_format=torch.channels_last)
