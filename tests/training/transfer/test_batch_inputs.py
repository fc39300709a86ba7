import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import zarr

from training.compute import Compute
from training.encoders.ssl4eo_scaling import ssl4eo_input
from training.transfer.batch_inputs import tile_inputs
from training.transfer.tile_plan import plan_tile_test
from training.transfer.tile_reader import read_tile_batches
from training.transfer.tile_store import open_tile_store

StoreWriter = Callable[..., Path]


def test_no_data_is_the_mean_and_does_not_smear_when_it_is_turned(tile_store: StoreWriter, tmp_path: Path) -> None:
    path = tile_store(tmp_path / "dw.zarr", tiles=1, px=40)
    group = zarr.open_group(path, mode="r+")
    group["s1"][0] = np.full((2, 40, 40), -8.0, np.float32)
    group["s1"][0, :, 15:20, 15:25] = -9999.0
    store, image = open_tile_store(path, "s1", None), ssl4eo_input("s1", None)
    (plan,) = plan_tile_test(np.arange(1), tile_px=40, batch_size=1)
    turned = replace(plan, placement=replace(plan.placement, angle=torch.tensor([math.radians(33.0)])))
    compute = Compute(torch.device("cpu"), bf16=False)
    for each in (plan, turned):
        (batch,) = read_tile_batches(store, [each], pin=False)
        found = tile_inputs(batch, store, image, compute).image
        observed = image.prepare(torch.full((1, 2, 1, 1), -8.0), store.bands).flatten()
        for band in range(2):
            low, high = sorted((0.0, float(observed[band])))
            assert float(found[:, band].min()) >= low - 1e-5
            assert float(found[:, band].max()) <= high + 1e-5
            assert (found[:, band] == 0).any()


def test_labels_are_cut_as_the_image_is(tile_store: StoreWriter, tmp_path: Path) -> None:
    path = tile_store(tmp_path / "dw.zarr", tiles=2, px=40)
    store = open_tile_store(path, "s2", None)
    (plan,) = plan_tile_test(np.arange(2), tile_px=40, batch_size=2)
    (batch,) = read_tile_batches(store, [plan], pin=False)
    found = tile_inputs(batch, store, ssl4eo_input("s2", 9), Compute(torch.device("cpu"), bf16=False))
    assert found.image.shape == (2, 9, 40, 40)
    assert torch.equal(found.label, batch.label)
