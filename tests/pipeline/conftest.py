"""Small runs, staged and packed: 24-pixel patches whose pixels are drawn from the location's id."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.manifest.made_from import StoreMade, store_made
from pipeline.manifest.tile_index import TileStore
from pipeline.manifest.tile_manifest import write_tile_manifest
from pipeline.manifest.tile_sets import DW_SET
from pipeline.pack import StoreSettings, commit_store, create_store, n_shards, pack_shard, shard_rows, store_order
from pipeline.parts import write_part
from pipeline.quality import QualitySettings, assess
from pipeline.schema.grid import PixelGrid, patch_grid
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import (
    N_SEASONS,
    Location,
    Patch,
    QualityRecord,
    SeasonMatch,
    ShardRecord,
    StoreRow,
)
from pipeline.schema.tiles import SPLITS, Split, TileArrays, TilePair, TileRow, TileShardRecord
from pipeline.staging import write_tiles
from pipeline.tile_arrays import LabelName
from pipeline.tile_store import (
    TileStoreSettings,
    commit_tile_store,
    create_tile_store,
    n_tile_shards,
    tile_rows,
    tile_shard_rows,
    write_tile_shard,
)

PX = 24
ASCENDING = "ASCENDING"
TWO_TILES = TileStoreSettings(shard_rows=2)
MOMENT = datetime(2019, 5, 4, 10, 3, 2, tzinfo=UTC)
S1_ID = "COPERNICUS/S1_GRD/S1A_IW_GRDH_1SDV_20190504T100302_20190504T100327_027072_030C5B_BB3C"


@dataclass(frozen=True)
class PackedRun:
    run: RunLayout
    rows: list[StoreRow]
    shards: list[ShardRecord]
    locations: list[Location]
    matches: list[SeasonMatch]
    quality: list[QualityRecord]
    patches: dict[str, Patch]
    store_digest: str

    @property
    def store(self) -> Path:
        return self.run.store("nol")


def draw_patch(location_id: str, px: int = PX) -> Patch:
    rng = np.random.default_rng(zlib.crc32(location_id.encode()))
    dw = rng.integers(0, 9, (N_SEASONS, px, px), dtype=np.uint8)
    dw[:, 0, :2] = 255
    return Patch(
        location_id=location_id,
        s2=rng.integers(1, 6000, (N_SEASONS, 13, px, px), dtype=np.uint16),
        s1=rng.normal(-14, 6, (N_SEASONS, 2, px, px)).astype(np.float32),
        dw=dw,
    )


def draw_location(at: int, location_id: str) -> Location:
    lon, lat = -179.9 + 53.0 * at % 359, -50 + 17.0 * at % 120
    return Location(location_id, lon, lat, patch_grid(lon, lat, PX))


def draw_match(location_id: str, season: int) -> SeasonMatch:
    time = datetime(2020, 1, 15, 10, 4, 1, 123456, tzinfo=UTC) + timedelta(days=91 * season)
    optical, radar = f"{time:%Y%m%dT%H%M%S}", f"{time - timedelta(days=2):%Y%m%dT%H%M%S}"
    index = f"{optical}_{time:%Y%m%d}T{zlib.crc32(location_id.encode()) % 10**6:06d}_T33TWL"
    return SeasonMatch(
        location_id=location_id,
        season=season,
        s2_id=f"COPERNICUS/S2_HARMONIZED/{index}",
        s2_time=time,
        s2_cloud_pct=3.5 * season,
        s2_baseline="02.08",
        s2_tile="33TWL",
        s1_id=f"COPERNICUS/S1_GRD/S1A_IW_GRDH_1SDV_{radar}_{radar}_030812_0388F6_BB3C",
        s1_time=time - timedelta(days=2),
        s1_orbit_pass=ASCENDING,
        s1_relative_orbit=44,
        dw_id=f"GOOGLE/DYNAMICWORLD/V1/{index}",
    )


def draw_probabilities(patch: Patch) -> Patch:
    """The same patch with nine probabilities that its labels are the likeliest of."""
    rng = np.random.default_rng(zlib.crc32(patch.location_id.encode()) + 1)
    likely = patch.dw[:, None] == np.arange(9)[:, None, None]
    prob = np.where(likely, 128, rng.integers(0, 17, likely.shape)).astype(np.uint8)
    return replace(patch, dw_prob=np.where(patch.dw[:, None] == 255, 0, prob).astype(np.uint8))


def build_packed(
    root: Path, count: int, settings: StoreSettings, part_locations: int, *, probabilities: bool = False
) -> PackedRun:
    run = RunLayout(root)
    ids = [f"loc{at:03d}" for at in range(count)]
    patches = {i: draw_probabilities(draw_patch(i)) if probabilities else draw_patch(i) for i in ids}
    parts = [ids[start : start + part_locations] for start in range(0, count, part_locations)]
    for part, members in enumerate(parts):
        write_tiles(run.tile(part), [patches[i] for i in members], "inputs")
    kept = [(i, part, row) for part, members in enumerate(parts) for row, i in enumerate(members)]
    rows = store_order(kept, settings.seed)
    building = create_store(run.store("nol"), count, settings, "inputs", patch_px=PX, probabilities=probabilities)
    shards = [
        pack_shard(building, shard, shard_rows(rows, shard, settings), run.tile, settings)
        for shard in range(n_shards(count, settings))
    ]
    digest = commit_store(run.store("nol"), shards)
    return PackedRun(
        run=run,
        rows=rows,
        shards=shards,
        locations=[draw_location(at, i) for at, i in enumerate(ids)],
        matches=[draw_match(i, season) for i in ids for season in range(N_SEASONS)],
        quality=[assess(patches[i], QualitySettings()) for i in ids],
        patches=patches,
        store_digest=digest,
    )


@pytest.fixture(scope="session")
def make_patch() -> Callable[..., Patch]:
    """(location id, **replaced arrays) -> Patch of 24 x 24 pixels, all observed and nearly all labelled."""

    def make(location_id: str = "loc", **arrays: np.ndarray) -> Patch:
        return replace(draw_patch(location_id), **arrays)

    return make


@pytest.fixture(scope="session")
def make_packed() -> Callable[..., PackedRun]:
    """(root, count, settings, part_locations) -> a run with a committed store of `count` locations."""

    def make(
        root: Path,
        count: int = 5,
        settings: StoreSettings | None = None,
        part_locations: int = 2,
        *,
        probabilities: bool = False,
    ) -> PackedRun:
        chosen = settings or StoreSettings(shard_rows=2)
        return build_packed(root, count, chosen, part_locations, probabilities=probabilities)

    return make


@pytest.fixture
def packed(tmp_path: Path, make_packed: Callable[..., PackedRun]) -> PackedRun:
    """Five locations from three parts, in three shards of two rows."""
    return make_packed(tmp_path / "run")


@pytest.fixture(scope="session")
def tree_bytes() -> Callable[[Path], dict[str, bytes]]:
    """All files of a folder by relative path."""

    def read(folder: Path) -> dict[str, bytes]:
        files: Sequence[Path] = [p for p in folder.rglob("*") if p.is_file()]
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}

    return read


TRAIN_TILE_PX, TEST_TILE_PX = 22, 24


def write_dw_store(run: RunLayout, split: Split, ids: Sequence[str], centres: Mapping[str, tuple[float, float]]) -> Any:
    """A store of DW tiles whose pixels are drawn from the tile's id; a sixth of each tile has no label."""
    settings = TileStoreSettings(shard_rows=3)
    px = TRAIN_TILE_PX if split == "train" else TEST_TILE_PX
    rows = tile_rows([(i, patch_grid(*centres[i], px)) for i in ids], seed=0)

    def draw(row: TileRow) -> TileArrays:
        rng = np.random.default_rng(zlib.crc32(row.tile_id.encode()))
        dw = rng.integers(0, 9, (px, px), dtype=np.uint8)
        dw[: px // 6] = 255
        s2 = rng.integers(1, 6000, (13, px, px), dtype=np.uint16)
        return {"s2": s2, "s1": rng.normal(-14, 6, (2, px, px)).astype(np.float32), "dw": dw}

    final = run.store(f"dw_{split}")
    building = create_tile_store(final, rows, settings, "inputs")
    shards = [
        write_tile_shard(building, shard, tile_shard_rows(rows, shard, settings), draw, settings)
        for shard in range(n_tile_shards(len(rows), settings))
    ]
    commit_tile_store(final, shards)
    return TileStore(f"dw_{split}", split, tuple(rows), tuple(shards))


def keep_tile_records(run: RunLayout, stores: Sequence[TileStore]) -> list[StoreMade]:
    """Write the records of the stores' shards into the run's tables, as a build does."""
    for store in stores:
        for shard in store.shards:
            write_part(run.table(f"pack_{store.name}", shard.shard), TileShardRecord, [shard], "inputs")
    return [store_made(run, store.name, store.split, f"pack_{store.name}", len(store.shards)) for store in stores]


@pytest.fixture(scope="session")
def make_dw_run() -> Callable[..., RunLayout]:
    """(root, train {id: (lon, lat)}, test {id: (lon, lat)}) -> a finished run of small expert tiles, 22 and 24 px."""

    def make(
        root: Path, train: Mapping[str, tuple[float, float]], test: Mapping[str, tuple[float, float]]
    ) -> RunLayout:
        run = RunLayout(root)
        stores = [write_dw_store(run, split, list(places), places)
                  for split, places in zip(SPLITS, (train, test), strict=True) if places]  # fmt: skip
        scene = "COPERNICUS/S2_HARMONIZED/20190504T100302_20190504T10{:04d}_T33TWL"
        radar = {"s1_id": S1_ID, "s1_time": MOMENT, "s1_orbit_pass": ASCENDING, "s1_relative_orbit": 44}
        pairs = [
            TilePair(i, scene.format(at), MOMENT, 3.5, "02.08", "33TWL", **radar)
            for at, i in enumerate((*train, *test))
        ]
        provenance = {"inputs": "made", "recipe": {"source": {"kind": "emulator", "seed": 7}}, "recipe_digest": "r"}
        made = keep_tile_records(run, stores)
        write_tile_manifest(run, DW_SET, stores, made, pairs=pairs, dropped=[], funnel=[], provenance=provenance)
        return run

    return make


@dataclass(frozen=True)
class PackedTiles:
    """A downstream run of two stores: 30 px tiles for training, 30 and 32 px for testing."""

    run: RunLayout
    stores: tuple[TileStore, ...]
    grids: dict[str, PixelGrid]
    tables: list[StoreMade]
    """Where the records of the stores' shards are."""


def draw_tile(tile_id: str, px: int, labels: Sequence[str] = ("dw",)) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(zlib.crc32(tile_id.encode()))
    codes = {"dw": (*range(9), 255), "osm": (*range(1, 14), 255), "dfc": (*range(8), 255)}
    images = {
        "s2": rng.integers(1, 6000, (13, px, px), dtype=np.uint16),
        "s1": rng.normal(-14, 6, (2, px, px)).astype(np.float32),
    }
    return images | {name: rng.choice(np.array(codes[name], np.uint8), (px, px)) for name in labels}


@pytest.fixture(scope="session")
def make_tile() -> Callable[..., dict[str, np.ndarray]]:
    """(tile id, side, labels) -> its arrays, drawn from the id."""
    return draw_tile


def pack_tiles(
    root: Path, split: Split, sides: Sequence[int], settings: TileStoreSettings, labels: Sequence[LabelName]
) -> tuple[TileStore, dict[str, PixelGrid]]:
    zones = (32601, 32660, 32733)
    grids = {
        f"{split}_{at}": PixelGrid(zones[at % 3], 500_000.0 + 7_000 * at, 4_000_000.0 - 9_000 * at, px, px)
        for at, px in enumerate(sides)
    }
    final = RunLayout(root).store(f"dw_{split}")
    rows = tile_rows(list(grids.items()), settings.seed)
    building = create_tile_store(final, rows, settings, "store-inputs", labels=labels)
    shards = tuple(
        write_tile_shard(
            building,
            shard,
            tile_shard_rows(rows, shard, settings),
            lambda row: draw_tile(row.tile_id, grids[row.tile_id].width_px, labels),
            settings,
        )
        for shard in range(n_tile_shards(len(rows), settings))
    )
    commit_tile_store(final, shards)
    return TileStore(f"dw_{split}", split, tuple(rows), shards), grids


@pytest.fixture(scope="session")
def make_packed_tiles() -> Callable[..., PackedTiles]:
    """(run directory, settings, labels) -> its two stores."""

    def call(root: Path, settings: TileStoreSettings = TWO_TILES, labels: Sequence[LabelName] = ("dw",)) -> PackedTiles:
        train, train_grids = pack_tiles(root, "train", (30, 30, 30), settings, labels)
        test, test_grids = pack_tiles(root, "test", (30, 32), settings, labels)
        run = RunLayout(root)
        tables = keep_tile_records(run, (train, test))
        return PackedTiles(run, (train, test), train_grids | test_grids, tables)

    return call
