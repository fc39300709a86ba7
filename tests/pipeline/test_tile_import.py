import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from pipeline import tile_import
from pipeline.importers import dfc2020, noldo_tiles
from pipeline.importers.archives import UnsafeArchiveError
from pipeline.manifest.digest import content_digest, digest_run
from pipeline.manifest.made_from import Dropped
from pipeline.parts import read_part
from pipeline.report.tile_gather import gather_tiles
from pipeline.schema.dfc2020 import DFC_FILE_CODES
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.layout import RunLayout
from pipeline.tile_import import import_tiles
from pipeline.tile_store import (
    TileStoreSettings,
    commit_tile_store,
    create_tile_store,
    tile_rows,
    tile_shard_rows,
    write_tile_shard,
)

ONE_SHARD = TileStoreSettings(shard_rows=16)

DFC2020 = replace(dfc2020.DFC2020, sides=frozenset({32}))
NOLDO_DW = replace(noldo_tiles.NOLDO_DW, sides=frozenset({30, 32}))
NOLDO_OSM = replace(noldo_tiles.NOLDO_OSM, sides=frozenset({30, 32}))
"""The published layouts with tiles as small as tests need them."""

Tile = dict[str, Any]


def grid_at(at: int, px: int) -> PixelGrid:
    return PixelGrid((32601, 32733)[at % 2], 400_000.0 + 10_000 * at, 5_000_000.0 + 20_000 * at, px, px)


def tif(values: np.ndarray, grid: PixelGrid | None, epsg: int | None = None) -> bytes:
    bands = values if values.ndim == 3 else values[None]
    where = {} if grid is None else {"crs": f"EPSG:{epsg or grid.epsg}", "transform": Affine(*grid.affine)}
    count, height, width = bands.shape
    with MemoryFile() as memory, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with memory.open(
            driver="GTiff", count=count, height=height, width=width, dtype=bands.dtype, compress="deflate", **where
        ) as file:
            file.write(bands)
        return bytes(memory.read())


def dfc_files(tile_id: str, tile: Tile, grid: PixelGrid | None) -> dict[str, bytes]:
    """As IEEE DataPort lays them out; S1 in float64, labels in the contest's ten codes."""
    season, _, patch = tile_id.rpartition("_")
    codes = {label: code for code, label in DFC_FILE_CODES.items()} | {255: 0}
    labels = np.vectorize(codes.get, otypes=[np.uint8])(tile["dfc"])
    arrays = {"s1": tile["s1"].astype(np.float64), "s2": tile["s2"], "dfc": labels, "lc": labels}
    return {f"{season}/{r}_0/{season}_{r}_0_{patch}.tif": tif(v, grid) for r, v in arrays.items()}


def noldo_files(folder: str, tile_id: str, tile: Tile, grid: PixelGrid, *, dots: str = ".") -> dict[str, bytes]:
    """As CromSS reads them; unmarked is 0 and cloud 10, and the OSM rasters state the map service's system."""
    name = tile_id.removeprefix("dw_").replace(".", dots)
    dw = np.where(tile["dw"] == 255, 0, tile["dw"] + 1).astype(np.uint8)
    dw[0, (tile["dw"] == 255)[0]] = 10
    files = {
        f"{folder}/image_s1/s1_{name}.tif": tif(tile["s1"], grid),
        f"{folder}/image_s2/s2_{name}.tif": tif(tile["s2"].astype(np.int16), grid),
        f"{folder}/label_dw/dw_{name}.tif": tif(dw, grid),
    }
    if "osm" in tile:
        osm = np.where(tile["osm"] == 255, 0, tile["osm"]).astype(np.uint8)
        files[f"{folder}/label_osm/osm_{name}.tif"] = tif(osm, grid, epsg=3857)
    return files


def put(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def put_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def built(final: Path, tiles: Mapping[str, tuple[Tile, PixelGrid]], labels: Any) -> str:
    """The digest of the store that a build makes of the same tiles."""
    rows = tile_rows([(tile_id, grid) for tile_id, (_, grid) in tiles.items()], 0)
    building = create_tile_store(final, rows, ONE_SHARD, "i", labels=labels)
    mine = tile_shard_rows(rows, 0, ONE_SHARD)
    return commit_tile_store(final, [write_tile_shard(building, 0, mine, lambda r: tiles[r.tile_id][0], ONE_SHARD)])


@pytest.fixture(scope="module")
def dfc(make_tile: Callable[..., Tile]) -> dict[str, tuple[Tile, PixelGrid]]:
    ids = [*(f"ROIs0000_validation_p{n}" for n in (0, 1, 10)), *(f"ROIs0000_test_p{n}" for n in (0, 1))]
    return {tile_id: (make_tile(tile_id, 32, ("dfc",)), grid_at(at, 32)) for at, tile_id in enumerate(ids)}


@pytest.fixture(scope="module")
def dfc_source(dfc: dict[str, tuple[Tile, PixelGrid]]) -> dict[str, bytes]:
    return {
        name: data for tile_id, (tile, grid) in dfc.items() for name, data in dfc_files(tile_id, tile, grid).items()
    }


def test_dfc2020_gives_the_stores_that_its_arrays_make(
    tmp_path: Path, dfc: Any, dfc_source: Any, tree_bytes: Any
) -> None:
    source = put(tmp_path / "DFC2020", dfc_source | {"README.txt": b"hello"})
    made = import_tiles(source, tmp_path / "run", DFC2020)
    assert (made.tiles, made.dropped) == ({"train": 3, "test": 2}, {})
    run = RunLayout(tmp_path / "run")
    assert digest_run(run).dataset == made.manifest.dataset_digest
    for split, word in (("train", "validation"), ("test", "test")):
        tiles = {tile_id: found for tile_id, found in dfc.items() if word in tile_id}
        expected = built(tmp_path / "built" / f"{split}.zarr", tiles, ("dfc",))
        assert content_digest(run.store(f"dfc2020_{split}"), None).store == expected
    before = tree_bytes(tmp_path / "run")
    assert made.worked
    index = RunLayout(tmp_path / "run").index
    written = index.stat().st_mtime_ns
    again = import_tiles(source, tmp_path / "run", DFC2020)
    assert again == made
    assert not again.worked
    assert index.stat().st_mtime_ns == written
    index.with_name("provenance.json").unlink()
    assert import_tiles(source, tmp_path / "run", DFC2020) == made
    assert index.stat().st_mtime_ns > written
    assert tree_bytes(tmp_path / "run") == before


def test_zips_need_not_be_unpacked(tmp_path: Path, dfc_source: Any) -> None:
    from_folder = import_tiles(put(tmp_path / "folder", dfc_source), tmp_path / "a", DFC2020)
    whole = put_zip(tmp_path / "dfc2020.zip", {f"any/{name}": data for name, data in dfc_source.items()})
    for kind in ("s1", "s2", "dfc", "lc"):
        parts = {name: data for name, data in dfc_source.items() if f"/{kind}_0/" in name}
        put_zip(tmp_path / "zips" / f"{kind}.zip", parts)
    for source in (whole, tmp_path / "zips"):
        made = import_tiles(source, tmp_path / source.stem / "run", DFC2020)
        assert made.manifest.dataset_digest == from_folder.manifest.dataset_digest


def test_patches_that_do_not_say_where_they_lie_are_kept(tmp_path: Path, dfc: Any) -> None:
    tile, _ = dfc["ROIs0000_test_p0"]
    source = put(tmp_path / "source", dfc_files("ROIs0000_test_p0", tile, None))
    made = import_tiles(source, tmp_path / "run", DFC2020)
    assert made.tiles == {"test": 1}
    group = zarr.open_group(RunLayout(tmp_path / "run").store("dfc2020_test"), mode="r")
    assert int(group["epsg"][0]) == 0
    assert digest_run(RunLayout(tmp_path / "run")).rows == 1


@pytest.fixture(scope="module")
def experts(make_tile: Callable[..., Tile]) -> dict[str, tuple[str, Tile, PixelGrid]]:
    """Tile id -> split folder, arrays with both labels, grid."""
    places = {
        "dw_-0.0520777954_32.9493499204-20190816": ("train", 30),
        "dw_12.5_-7.25-20190107": ("train", 30),
        "dw_-0.6481384406_6.8231873947-20190226": ("test", 32),
        "dw_101.25_55.5-20181231": ("test", 30),
    }
    return {
        tile_id: (split, make_tile(tile_id, px, ("dw", "osm")), grid_at(at, px))
        for at, (tile_id, (split, px)) in enumerate(places.items())
    }


@pytest.mark.parametrize(("layout", "labels"), [(NOLDO_DW, ("dw",)), (NOLDO_OSM, ("dw", "osm"))], ids=["dw", "osm"])
def test_noldo_zips_give_the_stores_of_a_build(tmp_path: Path, experts: Any, layout: Any, labels: Any) -> None:
    files: dict[str, bytes] = {}
    for tile_id, (split, tile, grid) in experts.items():
        mine = {name: tile[name] for name in ("s1", "s2", *labels)}
        dots = "p" if split == "test" else "."
        files |= noldo_files(f"data_s12/{layout.store}_{split}", tile_id, mine, grid, dots=dots)
    source = put_zip(tmp_path / "ssl4eo.zip", files)
    made = import_tiles(source, tmp_path / "run", layout, ONE_SHARD)
    assert (made.tiles, made.dropped) == ({"train": 2, "test": 2}, {})
    for split in ("train", "test"):
        tiles = {
            i.replace(".", "p") if split == "test" else i: (t, g) for i, (s, t, g) in experts.items() if s == split
        }
        expected = built(tmp_path / "built" / f"{split}.zarr", tiles, labels)
        assert content_digest(RunLayout(tmp_path / "run").store(f"{layout.store}_{split}"), None).store == expected


def test_a_bad_tile_is_left_out_with_its_reason_and_the_rest_goes_on(tmp_path: Path, dfc: Any) -> None:
    tile, grid = dfc["ROIs0000_test_p1"]
    beside = PixelGrid(grid.epsg, grid.left_m + 10, grid.top_m, 32, 32)
    cases: dict[str, dict[str, bytes | None]] = {
        "file missing: no s1": {"s1": None},
        "wrong bands: s2 has 12 bands, expected 13": {"s2": tif(tile["s2"][:12], grid)},
        "wrong size: s1 has 25 x 32 px, expected 32": {"s1": tif(tile["s1"][..., :25], grid)},
        "unknown class: dfc holds 11": {"dfc": tif(np.full((32, 32), 11, np.uint8), grid)},
        "file cannot be read: dfc": {"dfc": tif(tile["dfc"], grid)[:300]},
        "file cannot be read: s2: it is empty": {"s2": b""},
        "file cannot be read: s1: it not recognized": {"s1": b"no raster"},
        "files lie apart: s1 lies elsewhere than s2": {"s1": tif(tile["s1"], beside)},
        "values out of range: s1 holds 5000": {"s1": tif(np.full((2, 32, 32), 5000.0), grid)},
        "values out of range: s2 is int16": {"s2": tif(np.full((13, 32, 32), -1, np.int16), grid)},
        "not north-up at 10 m in UTM: s1: EPSG:3857": {"s1": tif(tile["s1"], grid, epsg=3857)},
    }
    files = dfc_files("ROIs0000_test_p0", *dfc["ROIs0000_test_p0"])
    for at, changed in enumerate(cases.values(), 11):
        mine = dfc_files(f"ROIs0000_test_p{at}", tile, grid)
        for role, data in changed.items():
            name = f"ROIs0000_test/{role}_0/ROIs0000_test_{role}_0_p{at}.tif"
            del mine[name]
            mine |= {} if data is None else {name: data}
        files |= mine
    made = import_tiles(put(tmp_path / "source", files), tmp_path / "run", DFC2020)
    dropped = read_part(RunLayout(tmp_path / "run").manifest / "dropped.parquet", Dropped)
    assert (made.tiles, len(dropped)) == ({"test": 1}, len(cases))
    for at, (said, found) in enumerate(zip(cases, dropped, strict=True), 11):
        assert found.location_id == f"ROIs0000_test_p{at}"
        assert f"{found.reason}: {found.detail}".startswith(said)
        assert "\n" not in found.detail
    assert "2 values out of range" in made.lines()[1]


def test_a_file_that_comes_twice_counts_neither_time(tmp_path: Path, dfc_source: Any, experts: Any) -> None:
    name, data = next((n, d) for n, d in dfc_source.items() if "validation_s2" in n)
    made = import_tiles(put(tmp_path / "s", dfc_source | {f"copy/{name}": data}), tmp_path / "run", DFC2020)
    assert (made.tiles, made.dropped) == ({"train": 2, "test": 2}, {"there twice": 1})
    put_zip(tmp_path / "all" / "dfc.zip", dfc_source)
    with pytest.raises(
        UsageError, match=r"holds every tile twice, first .*; name the zip or the folder that it unpacks"
    ):
        import_tiles(put(tmp_path / "all", dfc_source), tmp_path / "all_run", DFC2020)
    tile_id, (_, tile, grid) = next(iter(experts.items()))
    both = noldo_files("dw_train", tile_id, tile, grid) | noldo_files("dw_test", tile_id, tile, grid)
    made = import_tiles(put(tmp_path / "both", both), tmp_path / "both_run", NOLDO_DW)
    assert (made.tiles, made.dropped) == ({"test": 1}, {"there twice": 1})


def test_what_cannot_be_trusted_as_a_whole_leaves_nothing_behind(tmp_path: Path, dfc_source: Any) -> None:
    whole = put_zip(tmp_path / "whole.zip", dfc_source)
    cut = tmp_path / "cut.zip"
    cut.write_bytes(whole.read_bytes()[:-200])
    climbing = put_zip(tmp_path / "climbing.zip", dfc_source | {"../../out.tif": b""})
    lmdb = put(tmp_path / "lmdb", {"data.mdb": b"", "lock.mdb": b""})
    tar = tmp_path / "dfc.tar"
    tar.write_bytes(b"")
    refused: dict[Path, tuple[type[NoldoError], str]] = {
        cut: (NoldoError, "cut.zip"),
        climbing: (UnsafeArchiveError, "leads out of it"),
        lmdb: (UsageError, "pickles: reading them could run any program"),
        tar: (UsageError, "unpack it first"),
        tmp_path / "nowhere": (UsageError, "is not there"),
        put(tmp_path / "other", {"a.txt": b""}): (
            UsageError,
            "holds no tile of dfc2020; expected files such as ROIs0000",
        ),
    }
    for source, (kind, said) in refused.items():
        with pytest.raises(kind, match=said) as caught:
            import_tiles(source, tmp_path / "run", DFC2020)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "run").exists()


def test_a_damaged_member_of_a_zip_is_left_out(tmp_path: Path, dfc_source: Any) -> None:
    source = put_zip(tmp_path / "dfc.zip", dfc_source)
    raw = bytearray(source.read_bytes())
    victim = next(data for name, data in dfc_source.items() if "test_s1_0_p0" in name)
    raw[raw.find(victim) + len(victim) // 2] ^= 1
    source.write_bytes(bytes(raw))
    made = import_tiles(source, tmp_path / "run", DFC2020)
    assert (made.tiles, made.dropped) == ({"train": 3, "test": 1}, {"file cannot be read": 1})
    (dropped,) = read_part(RunLayout(tmp_path / "run").manifest / "dropped.parquet", Dropped)
    assert "Bad CRC-32" in dropped.detail
    assert str(tmp_path) not in dropped.detail


def test_an_import_that_was_cut_off_goes_on(
    tmp_path: Path, dfc_source: Any, monkeypatch: pytest.MonkeyPatch, tree_bytes: Any
) -> None:
    source, small = put(tmp_path / "source", dfc_source), TileStoreSettings(shard_rows=1)
    whole = import_tiles(source, tmp_path / "whole", DFC2020, small)
    checks = []
    real = tile_import._check

    def check(tile: Any, layout: Any) -> Any:
        checks.append(tile.tile_id)
        return real(tile, layout)

    def cut_off(stage: str, done: int, _: int) -> None:
        if (stage, done) == ("pack train", 2):
            raise KeyboardInterrupt

    monkeypatch.setattr(tile_import, "_check", check)
    with pytest.raises(KeyboardInterrupt):
        import_tiles(source, tmp_path / "run", DFC2020, small, progress=cut_off)
    packed: list[str] = []
    write = tile_import.write_tile_shard

    def written(building: Any, shard: int, rows: Any, *rest: Any) -> Any:
        packed.extend(row.tile_id.rpartition("_")[0] for row in rows)
        return write(building, shard, rows, *rest)

    monkeypatch.setattr(tile_import, "write_tile_shard", written)
    again = import_tiles(source, tmp_path / "run", DFC2020, small)
    assert again == whole
    assert len(checks) == 5
    assert packed == ["ROIs0000_validation", "ROIs0000_test", "ROIs0000_test"]
    assert tree_bytes(tmp_path / "run" / "store") == tree_bytes(tmp_path / "whole" / "store")


def test_a_source_that_changes_meanwhile_is_noticed(tmp_path: Path, dfc_source: Any) -> None:
    source = put(tmp_path / "source", dfc_source)
    name, data = next((n, d) for n, d in dfc_source.items() if "test_dfc" in n)

    def change(stage: str, *_: int) -> None:
        if stage == "check":
            (source / name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))

    with pytest.raises(NoldoError, match="was changed while it was imported"):
        import_tiles(source, tmp_path / "run", DFC2020, progress=change)


def test_another_import_is_not_mixed_in(tmp_path: Path, dfc_source: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_import, "PART_TILES", 2)
    source = put(tmp_path / "source", dfc_source)
    import_tiles(source, tmp_path / "run", DFC2020)
    for name in [n for n in dfc_source if "validation" in n]:
        (source / name).unlink()
    with pytest.raises(UsageError, match="add --remake"):
        import_tiles(source, tmp_path / "run", DFC2020)
    made = import_tiles(source, tmp_path / "run", DFC2020, remake=True)
    assert made.tiles == {"test": 2}
    run = RunLayout(tmp_path / "run")
    assert digest_run(run).dataset == made.manifest.dataset_digest
    found = gather_tiles(run)
    assert {spot.location_id for spot in found.locations} == {row.location_id for row in found.index}


def test_the_published_sizes_are_those_that_are_asked_for() -> None:
    assert dfc2020.DFC2020.sides == {256}
    assert noldo_tiles.NOLDO_DW.sides == noldo_tiles.NOLDO_OSM.sides == {510, 512}


def test_a_repaired_source_is_checked_again_where_that_is_wished(
    tmp_path: Path, dfc_source: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tile_import, "PART_TILES", 2)
    name, data = next((n, d) for n, d in dfc_source.items() if "test_s1_0_p0" in n)
    source = put(tmp_path / "source", dfc_source | {name: bytes(len(data))})
    damaged = import_tiles(source, tmp_path / "run", DFC2020)
    assert (damaged.tiles, damaged.dropped) == ({"train": 3, "test": 1}, {"file cannot be read": 1})
    put(source, {name: data})
    assert import_tiles(source, tmp_path / "run", DFC2020) == damaged
    checked: list[str] = []
    check = tile_import._check
    monkeypatch.setattr(tile_import, "_check", lambda t, layout: checked.append(t.tile_id) or check(t, layout))
    made = import_tiles(source, tmp_path / "run", DFC2020, remake=True)
    assert checked == ["ROIs0000_test_p0", "ROIs0000_test_p1"]
    whole = import_tiles(put(tmp_path / "whole", dfc_source), tmp_path / "other", DFC2020)
    assert (made.tiles, made.dropped) == (whole.tiles, {})
    assert made.manifest.dataset_digest == whole.manifest.dataset_digest
