from pathlib import Path

import numpy as np
import pytest
import zarr

from benchmarks.loader_store import STORE, draw, locations, seasons, seasons_of, write_store
from training.dataset import open_store


def test_the_store_is_one_that_training_reads_with_its_own_reader(tmp_path: Path) -> None:
    store = open_store(write_store(tmp_path, 3, 24))
    assert (store.locations, store.patch_px) == (3, 24)
    assert store.shards is not None


def test_every_format_gets_what_the_store_has(tmp_path: Path) -> None:
    write_store(tmp_path, 4, 24)
    for row, (whole, season) in enumerate(zip(locations(tmp_path), seasons(tmp_path), strict=True)):
        for name, values in draw(row, 24).items():
            assert np.array_equal(whole[name], values)
        read = seasons_of(4)[row]
        assert np.array_equal(season["s2"], whole["s2"][read])
        assert season["dw"].shape == (4, 24, 24)


@pytest.mark.parametrize(("compressible", "least", "most"), [(False, 0.99, 1.01), (True, 0.85, 0.95)])
def test_images_compress_as_asked_and_labels_do(tmp_path: Path, compressible: bool, least: float, most: float) -> None:
    write_store(tmp_path, 1, 264, compressible=compressible)

    def share(name: str) -> float:
        array = zarr.open_array(tmp_path / STORE / name, mode="r")
        stored = sum(p.stat().st_size for p in (tmp_path / STORE / name / "c").rglob("*") if p.is_file())
        return stored / array.nbytes

    assert share("s1") > 0.99
    assert least < share("s2") < most
    assert 0.03 < share("dw") < 0.15
