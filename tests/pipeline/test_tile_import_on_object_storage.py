from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from pipeline.importers.dfc2020 import DFC2020
from pipeline.manifest.checksums import verify_checksums
from pipeline.manifest.digest import digest_run
from pipeline.manifest.release import keep_release
from pipeline.manifest.write import write_manifest
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath
from pipeline.schema.release import ReleaseSettings
from pipeline.tile_import import import_tiles
from pipeline.tile_store import TileStoreSettings

SMALL = replace(DFC2020, sides=frozenset({8}))


def put_patch(folder: Path, name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    arrays = {
        "s1": rng.normal(-12, 3, (2, 8, 8)),
        "s2": rng.integers(1, 6000, (13, 8, 8), dtype=np.uint16),
        "dfc": rng.choice(np.array([1, 2, 4, 10], np.uint8), (1, 8, 8)),
    }
    for role, bands in arrays.items():
        path = folder / f"ROIs0000_{name.replace('_', f'_{role}_0_')}.tif"
        form: dict[str, Any] = {"count": len(bands), "height": 8, "width": 8, "dtype": bands.dtype}
        place = {"crs": "EPSG:32633", "transform": Affine(10, 0, 5e5 + 100 * seed, 0, -10, 5e6)}
        with MemoryFile() as memory:
            with memory.open(driver="GTiff", **form, **place) as file:
                file.write(bands)
            path.write_bytes(memory.read())


def test_a_tile_set_in_object_storage_is_the_one_on_a_disk(tmp_path: Path, bucket: Callable[[], AnyPath]) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for seed, name in enumerate(("test_p0", "test_p1")):
        put_patch(source, name, seed)
    two = TileStoreSettings(shard_rows=1)
    here, there = tmp_path / "run", bucket() / "run"

    def cut_off(stage: str, done: int, _: int) -> None:
        if stage == "pack test" and done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_tiles(source, there, SMALL, two, progress=cut_off)
    made = import_tiles(source, there, SMALL, two)
    assert made == import_tiles(source, here, SMALL, two)
    assert digest_run(RunLayout(there)).dataset == made.manifest.dataset_digest
    assert verify_checksums(RunLayout(there)).ok
    assert import_tiles(source, there, SMALL, two) == made
    keep_release(RunLayout(there), ReleaseSettings(version="1.0.0"))
    assert write_manifest(RunLayout(there)).dataset_digest == made.manifest.dataset_digest
    assert verify_checksums(RunLayout(there)).ok
    assert b'"1.0.0"' in (RunLayout(there).manifest / "provenance.json").read_bytes()
