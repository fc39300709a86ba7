"""Damaged rows come back from the scenes that the manifest names, and none that is another than was published."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import zarr

from pipeline.content import row_digest
from pipeline.manifest.checksums import CHECKSUMS_FILE, checksum_lines
from pipeline.manifest.checksums import published as files_under
from pipeline.manifest.digest_table import DIGESTS_FILE, ArrayDigests, write_digests
from pipeline.manifest.repair.mending import RepairSource
from pipeline.manifest.repair.run import RepairReport, repair
from pipeline.manifest.verify.run import verify
from pipeline.rebuild_rows import EarthEngineRows, published_source
from pipeline.recipe import EarthEngineSettings
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.layout import RunLayout
from pipeline.sources.earthengine import emulator_spec

S2_SHARD = "store/nol.zarr/s2/c/1/0/0/0/0"
DW_SHARD = "store/nol.zarr/dw/c/1/0/0/0"


def published(run: Path, copy: Path) -> Path:
    for folder in ("manifest", "store"):
        shutil.copytree(run / folder, copy / folder)
    return copy


@pytest.fixture
def root(small_run: tuple[Path, Any], tmp_path: Path) -> Path:
    """What is published of the small run, to be damaged."""
    return published(small_run[0], tmp_path / "copy")


@pytest.fixture
def mend(small_planet_url: str) -> Callable[[Path], RepairReport]:
    def call(root: Path) -> RepairReport:
        source = RepairSource("Earth Engine", None, EarthEngineRows(root, emulator_spec(small_planet_url)))
        return repair(root, source, lambda path: verify(path, threads=1).findings)

    return call


def flip_row(root: Path, path: str, row: int) -> None:
    """Flip a byte that damages that row and no other of its shard."""
    array: Any = zarr.open_array(root / path.partition("/c/")[0], mode="r")
    first = row // array.shards[0] * array.shards[0]
    others = [at for at in range(first, min(first + array.shards[0], array.shape[0])) if at != row]
    data = (root / path).read_bytes()
    for at in range(50, len(data), len(data) // 50):
        (root / path).write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        try:
            for other in others:
                array[other]
            array[row]
        except ValueError as error:
            if "checksum" in str(error) and all(readable(array, other) for other in others):
                return
    pytest.fail(f"no byte of row {row} alone")


def readable(array: Any, row: int) -> bool:
    try:
        array[row]
    except ValueError:
        return False
    return True


def test_one_damaged_row_is_fetched_again_and_its_shard_is_what_it_was(
    root: Path, mend: Callable[[Path], RepairReport]
) -> None:
    before = (root / S2_SHARD).read_bytes()
    flip_row(root, S2_SHARD, 2)
    report = mend(root)
    assert report.ok, report.lost
    assert [(one.path, one.action, one.rows) for one in report.mended] == [(S2_SHARD, "rebuilt", (2,))]
    assert (root / S2_SHARD).read_bytes() == before


def test_a_row_that_comes_back_different_is_told_and_left(root: Path, mend: Callable[[Path], RepairReport]) -> None:
    group = zarr.open_group(root / "store" / "nol.zarr", mode="r+")
    labels: Any = group["dw"]
    labels[2] = np.where(np.asarray(labels[2]) == 4, 5, 4)  # as if Earth Engine had labelled otherwise at the time
    digests = [
        ArrayDigests.of("store/nol.zarr", name, [row_digest(np.asarray(a[r])) for r in range(a.shape[0])], a.shards[0])
        for name, a in group.arrays()
    ]
    write_digests(root / "manifest" / DIGESTS_FILE, digests)
    (root / "manifest" / CHECKSUMS_FILE).unlink()
    files = files_under(root / "manifest", "manifest") | files_under(root / "store" / "nol.zarr", "store/nol.zarr")
    (root / "manifest" / CHECKSUMS_FILE).write_text(checksum_lines(files))
    flip_row(root, DW_SHARD, 2)
    damaged = (root / DW_SHARD).read_bytes()
    report = mend(root)
    (lost,) = report.lost
    assert not report.ok
    assert (lost.path, lost.rows) == (DW_SHARD, {2: "came back different from what was published"})
    assert (root / DW_SHARD).read_bytes() == damaged


def test_files_that_hold_no_rows_are_not_earth_engines(root: Path, mend: Callable[[Path], RepairReport]) -> None:
    (root / "manifest" / "README.md").write_text("another\n")
    report = mend(root)
    assert not report.ok
    assert [one.path for one in report.lost] == ["manifest/README.md"]
    assert "take it from a copy" in report.lost[0].why


def test_images_of_tiles_are_fetched_again_but_labels_come_from_files(
    dw_run: Path, tmp_path: Path, mend: Callable[[Path], RepairReport]
) -> None:
    root = published(dw_run, tmp_path / "copy")
    s1, dw = "store/dw_test.zarr/s1/c/0/0/0/0", "store/dw_test.zarr/dw/c/0/0/0"
    before = (root / s1).read_bytes()
    flip_row(root, s1, 1)
    flip_row(root, dw, 0)
    report = mend(root)
    assert [(one.path, one.rows) for one in report.mended] == [(s1, (1,))]
    assert (root / s1).read_bytes() == before
    (lost,) = report.lost
    assert (lost.path, lost.rows) == (dw, {0: "dw does not come from Earth Engine; take it from a copy"})


def test_the_manifest_says_which_earth_engine_it_was(root: Path, tmp_path: Path) -> None:
    emulated = published_source(root, None, "http://127.0.0.1:1")
    assert (emulated.kind, emulated.identity(), emulated.url) == (
        "emulator",
        {"kind": "emulator", "seed": 7},
        "http://127.0.0.1:1",
    )
    with pytest.raises(UsageError, match="nobody pays"):
        published_source(root, "mine", None)
    path = root / "manifest" / "provenance.json"
    provenance = json.loads(path.read_text())
    path.write_text(json.dumps(provenance | {"source": {"kind": "earthengine"}}))
    real = published_source(root, "mine", None)
    assert isinstance(real, EarthEngineSettings)
    assert real.project == "mine"
    with pytest.raises(UsageError, match="--project"):
        published_source(root, None, None)
    path.write_text(json.dumps(provenance | {"source": {"kind": "import"}}))
    with pytest.raises(UsageError, match="from files"):
        published_source(root, None, None)
    path.unlink()
    with pytest.raises(NoldoError, match="cannot be read"):
        published_source(root, None, None)


def test_an_index_that_does_not_name_the_scenes_is_no_base(root: Path) -> None:
    index = pd.read_parquet(RunLayout(root).index)
    index.loc[(index["row"] == 1) & (index["season"] == 2), "s1_id"] = None
    index.to_parquet(RunLayout(root).index)
    source = EarthEngineRows(root, emulator_spec("http://127.0.0.1:1"))
    found = source.rows("store/nol.zarr", "s2", [1, 99])
    assert "does not name all four seasons' scenes" in found.missing[1]
    assert found.missing[99].startswith("the index has no row 99 of store/nol.zarr; restore ")


class OneSize:
    """A source that has pixels all around a tile, which lies in the middle of what is asked for."""

    def __init__(self, make_tile: Callable[..., Any]) -> None:
        self._make_tile = make_tile

    def fetch_pixels(self, request: Any) -> dict[str, Any]:
        side = request.grid.width_px
        tile = self._make_tile(request.location_id, 30 if request.location_id == "test_0" else 32)
        arrays = {}
        for layer in request.layers:
            image = layer.names[0][:2]
            whole = np.full((len(layer.names), side, side), 7, tile[image].dtype)
            edge = (side - tile[image].shape[-1]) // 2
            whole[:, edge : side - edge, edge : side - edge] = tile[image]
            arrays |= dict(zip(layer.names, whole, strict=True))
        return arrays


def test_tiles_that_were_padded_get_their_ring_of_no_data_back(
    make_packed_tiles: Callable[..., Any], make_tile: Callable[..., Any], tmp_path: Path
) -> None:
    test = make_packed_tiles(tmp_path).stores[1]
    store = "store/dw_test.zarr"
    stored: Any = {name: np.asarray(a[:]) for name, a in zarr.open_group(tmp_path / store, mode="r").arrays()}
    (tmp_path / "manifest").mkdir()
    (tmp_path / "manifest" / "provenance.json").write_text(json.dumps({"recipe": {"kind": "dw"}}))
    digests = [ArrayDigests.of(store, name, [row_digest(row) for row in values], 2) for name, values in stored.items()]
    write_digests(tmp_path / "manifest" / DIGESTS_FILE, digests)
    place = dict.fromkeys(("dw_id", "processing_baseline", "s2_tile"), "")
    index = [
        {"location_id": r.tile_id, "season": 0, "store": store, "row": r.row, "s2_id": "S2", "s1_id": "S1", **place,
         "epsg": r.grid.epsg, "geotransform": list(r.grid.affine)} for r in test.rows
    ]  # fmt: skip
    pd.DataFrame(index).to_parquet(RunLayout(tmp_path).index)
    source = EarthEngineRows(tmp_path, emulator_spec("http://127.0.0.1:1"))
    source.__dict__["_source"] = OneSize(make_tile)
    for name in ("s2", "s1", "epsg", "geotransform"):
        found = source.rows(store, name, [0, 1])
        assert found.missing == {}
        for row in (0, 1):
            np.testing.assert_array_equal(found.values[row], stored[name][row])
