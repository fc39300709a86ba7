from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr

from pipeline.schema.errors import NoldoError
from training.augment import Augmentation
from training.transfer.tile_plan import plan_tile_epoch, plan_tile_test
from training.transfer.tile_reader import read_tile_batches
from training.transfer.tile_store import open_tile_store

StoreWriter = Callable[..., Path]


@pytest.mark.parametrize("modality", ["s1", "s2"])
def test_parts_of_tiles_come_as_they_are_stored(modality: str, tile_store: StoreWriter, tmp_path: Path) -> None:
    path = tile_store(tmp_path / "osm.zarr", tiles=6, px=30, labels=("dw", "osm"))
    store = open_tile_store(path, modality, "osm")  # type: ignore[arg-type]
    plans = plan_tile_epoch(
        np.arange(6), tile_px=30, batch_size=4, augmentation=Augmentation(12, 0.5, 0.5, 90.0), seed=1, epoch=0
    )
    group = zarr.open_group(path, mode="r")
    seen = 0
    for plan, batch in zip(plans, read_tile_batches(store, plans, pin=False), strict=True):
        assert batch.plan is plan
        for sample, (row, top, left) in enumerate(zip(plan.rows, plan.top, plan.left, strict=True)):
            part = np.s_[..., top : top + plan.side_px, left : left + plan.side_px]
            assert np.array_equal(batch.image[sample].numpy(), group[modality][row][part])
            codes = group["osm"][row][part]
            assert np.array_equal(batch.label[sample].numpy(), np.where(codes == 255, 255, codes - 1))
            seen += 1
    assert seen == 6


def test_a_damaged_tile_is_named(tile_store: StoreWriter, tmp_path: Path) -> None:
    path = tile_store(tmp_path / "dw.zarr", tiles=5, px=16)
    store = open_tile_store(path, "s2", None)
    (path / "s2" / "c" / "1" / "0" / "0" / "0").unlink()
    plans = plan_tile_test(np.arange(5), tile_px=16, batch_size=2)
    with pytest.raises(NoldoError, match=r"array 's2' cannot be read at row 4 .*\nRestore"):
        list(read_tile_batches(store, plans, pin=False))
