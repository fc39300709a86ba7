"""The Zarr stores of the downstream sets: raw tiles and their labels, one task a shard, committed by a rename."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import zarr
from numpy.typing import NDArray
from pydantic import Field

from pipeline.commit import begun_folder, begun_inputs, building_folder, finish_folder
from pipeline.content import DIGEST_ATTRIBUTE, tree_digest
from pipeline.files import file_sizes, is_local, zarr_store
from pipeline.read_back import write_verified
from pipeline.schema.errors import NoldoError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.landcover import IGNORE
from pipeline.schema.paths import AnyPath
from pipeline.schema.strict import Strict
from pipeline.schema.tiles import LabelCount, RowDigests, TileArrays, TileRow, TileShardRecord
from pipeline.store_arrays import Codec
from pipeline.tally import BandTally
from pipeline.tile_arrays import (
    IMAGES,
    LEGENDS,
    LabelName,
    class_counts,
    create_tile_arrays,
    label_names,
    open_tile_arrays,
    pad_grid,
    pad_tile,
    tile_store_digests,
)

COUNTS_ATTRIBUTE: Final = "class_count"
"""Group attribute of a finished store: pixels per class, by label array and class name, and 'no label'."""


class TileStoreSettings(Strict):
    """How a downstream store is laid out."""

    shard_rows: int = Field(default=16, gt=0)
    """Tiles to a shard file: 16 of 512 px make 109 MB of Sentinel-2 before compression."""
    codec: Codec = "lz4"
    """lz4 decodes faster, zstd takes less space; see the pretraining store's setting."""
    seed: int = 0
    """Of the order of the rows."""


def tile_rows(tiles: Sequence[tuple[str, PixelGrid]], seed: int, size_px: int | None = None) -> list[TileRow]:
    """The rows of a store for (tile id, the tile's own grid), in seeded order, all padded to one size.

    The order is that of SHA-256 over seed and id, as in the pretraining store. `size_px` is by default the longest
    side of any tile. Raises ValueError where an id comes twice, or a tile is larger than `size_px`.
    """
    if len({tile_id for tile_id, _ in tiles}) != len(tiles):
        raise ValueError("a tile id comes twice")
    longest = max((max(grid.width_px, grid.height_px) for _, grid in tiles), default=0)
    size = longest if size_px is None else size_px
    if size < longest:
        raise ValueError(f"a tile of {longest} px does not fit into {size} px")
    ordered = sorted(tiles, key=lambda tile: hashlib.sha256(f"{seed}:{tile[0]}".encode()).digest())
    return [TileRow(row, tile_id, pad_grid(grid, size)) for row, (tile_id, grid) in enumerate(ordered)]


def n_tile_shards(n_rows: int, settings: TileStoreSettings) -> int:
    """Number of shards, the last of which may be part full."""
    return -(-n_rows // settings.shard_rows)


def tile_shard_rows(rows: Sequence[TileRow], shard: int, settings: TileStoreSettings) -> tuple[TileRow, ...]:
    """The rows of one shard, of all rows in store order."""
    return tuple(rows[shard * settings.shard_rows : (shard + 1) * settings.shard_rows])


def create_tile_store(
    final: AnyPath,
    rows: Sequence[TileRow],
    settings: TileStoreSettings,
    inputs: str,
    *,
    labels: Sequence[LabelName] = ("dw",),
) -> AnyPath:
    """Create the empty store under its building name, which is returned; one begun for the same inputs goes on.

    `rows` are all rows, as `tile_rows` gives them; `labels` its label arrays, for OpenStreetMap ("dw", "osm"). Raises
    ValueError where there are no rows, or the rows are not of one size.
    """
    sizes = {(row.grid.height_px, row.grid.width_px) for row in rows}
    if len(sizes) != 1 or len(set(*sizes)) != 1:
        raise ValueError(f"a store takes square tiles of one size, got {sorted(sizes) or 'no tiles'}")
    if begun_inputs(final) == inputs:
        return building_folder(final)
    attributes = {
        "Conventions": "CF-1.11",
        "title": "Sentinel-1, Sentinel-2 and land-cover labels, a row a tile",
        "comment": "Rows lie in many UTM zones: epsg and geotransform give the coordinates of a row's pixels. Images "
        "hold raw values.",
    }
    with begun_folder(final, inputs) as folder:
        create_tile_arrays(
            zarr.create_group(zarr_store(folder), zarr_format=3, attributes=attributes),
            n_rows=len(rows),
            size_px=rows[0].grid.width_px,
            shard_rows=settings.shard_rows,
            codec=settings.codec,
            labels=labels,
        )
    return building_folder(final)


def missing_tile_shards(store: AnyPath, shards: int) -> list[int]:
    """Which of the shards 0..shards-1 lack the file of an array."""
    there = file_sizes(store)
    axes = {name: array.ndim for name, array in open_tile_arrays(store).items()}
    return [s for s in range(shards) if any(_shard_file(name, n, s) not in there for name, n in axes.items())]


def tile_shard_present(store: AnyPath, shard: int) -> bool:
    """Whether every array has the file of that shard."""
    return shard not in missing_tile_shards(store, shard + 1)


def write_tile_shard(
    building: AnyPath,
    shard: int,
    rows: Sequence[TileRow],
    read: Callable[[TileRow], TileArrays],
    settings: TileStoreSettings,
) -> TileShardRecord:
    """Write the tiles of one shard, once an array, read them back and compare.

    `rows` are the shard's rows in order; `read` gives a row's images and labels, of the store's size or the tile's
    own, which is then padded. Safe to repeat: the same rows make the same bytes. Raises ValueError where `rows` is not
    that shard, NoldoError where a tile does not fit the store or the disk cannot be trusted.
    """
    first = shard * settings.shard_rows
    if not rows or [r.row for r in rows] != list(range(first, first + len(rows))):
        raise ValueError(f"shard {shard} takes the rows from {first} on, got {[r.row for r in rows]}")
    arrays = open_tile_arrays(building, "r+")
    labels = label_names(arrays)
    blocks = {name: np.empty((len(rows), *a.shape[1:]), a.dtype) for name, a in arrays.items()}
    bands = BandTally()
    for at, row in enumerate(rows):
        tile = _fitted(row, read(row), arrays, labels)
        for name in (*IMAGES, *labels):
            blocks[name][at] = tile[name]
        blocks["ignore"][at] = tile[labels[-1]] == IGNORE
        blocks["epsg"][at] = row.grid.epsg
        blocks["geotransform"][at] = row.grid.affine
        bands.add(blocks["s2"][at], blocks["s1"][at])
    counts = tuple(_label_count(name, blocks[name]) for name in labels)
    labelled = tuple(int(n) for n in (blocks["ignore"] == 0).sum(axis=(1, 2)))
    # Each block is let go of once it is written, the largest last: writing one takes its encoded size again.
    ascending = sorted(arrays, key=lambda name: blocks[name].nbytes)
    digests = {name: write_verified(arrays[name], first, blocks.pop(name)) for name in ascending}
    return TileShardRecord(
        shard=shard,
        first_row=first,
        arrays=tuple(RowDigests(name, digests[name]) for name in sorted(digests)),
        labels=counts,
        labelled_px=labelled,
        s2_sums=bands.s2_sums(),
        s1_sums=bands.s1_sums(),
        s2_histogram=bands.s2_histogram(),
        s1_histogram=bands.s1_histogram(),
    )


def commit_tile_store(final: AnyPath, records: Sequence[TileShardRecord]) -> str:
    """Give a store that was begun its class counts, its digest and its name; returns the digest.

    `records` are those of all its shards. Raises NoldoError where a shard lacks its file or its record.
    """
    building = building_folder(final)
    arrays = open_tile_arrays(building, "r+")
    records = sorted(records, key=lambda record: record.shard)
    _require_whole(building, arrays, records)
    for partial in building.rglob("*.partial") if is_local(building) else ():
        partial.unlink()
    digests = tile_store_digests(
        records,
        {name: array.dtype.name for name, array in arrays.items()},
        {name: tuple(array.shape[1:]) for name, array in arrays.items()},
    )
    group = zarr.open_group(zarr_store(building), mode="r+")
    group.attrs[COUNTS_ATTRIBUTE] = class_counts(records)
    group.attrs[DIGEST_ATTRIBUTE] = tree_digest(digests)
    finish_folder(final)
    return tree_digest(digests)


def _fitted(row: TileRow, tile: TileArrays, arrays: dict[str, Any], labels: Sequence[LabelName]) -> TileArrays:
    """A tile's arrays at the store's size, once they are known to be what the store holds."""
    missing = [name for name in (*IMAGES, *labels) if name not in tile]
    if missing:
        raise NoldoError(f"tile {row.tile_id} has no '{missing[0]}'")
    tile = {name: tile[name] for name in (*IMAGES, *labels)}
    height, width = tile[labels[0]].shape[-2:]
    size = row.grid.width_px
    if (height, width) != (size, size) and max(height, width) <= size:
        own = PixelGrid(row.grid.epsg, row.grid.left_m, row.grid.top_m, width, height, row.grid.pixel_m)
        tile, _ = pad_tile(tile, own, size)
    for name, values in tile.items():
        expected = (arrays[name].shape[1:], arrays[name].dtype)
        if (values.shape, values.dtype) != expected:
            raise NoldoError(
                f"tile {row.tile_id}: '{name}' is {values.dtype} {values.shape}, the store holds "
                f"{expected[1]} {expected[0]}"
            )
    for name in labels:
        foreign = np.setdiff1d(tile[name], [*(c.code for c in LEGENDS[name]), IGNORE])
        if foreign.size:
            raise NoldoError(f"tile {row.tile_id}: '{name}' holds {foreign[0]}, which is no class of its legend")
    return tile


def _label_count(name: LabelName, labels: NDArray[np.generic]) -> LabelCount:
    found = np.bincount(labels.ravel(), minlength=IGNORE + 1)
    return LabelCount(name, tuple(int(found[code]) for code in (*(c.code for c in LEGENDS[name]), IGNORE)))


def _require_whole(building: AnyPath, arrays: dict[str, Any], records: Sequence[TileShardRecord]) -> None:
    n_rows, per_shard = arrays["ignore"].shape[0], arrays["ignore"].shards[0]
    shards = -(-n_rows // per_shard)
    missing = missing_tile_shards(building, shards)
    for shard in range(shards):
        expected = min(per_shard, n_rows - shard * per_shard)
        known = shard < len(records) and records[shard].shard == shard
        digests = {found.array: found.digests for found in records[shard].arrays} if known else {}
        if any(len(digests.get(name, ())) != expected for name in arrays):
            raise NoldoError(f"{building}: shard {shard} has no record of {expected} rows; run the build again")
        if shard in missing:
            raise NoldoError(f"{building}: shard {shard} is not there; delete that folder and run the build again")


def _shard_file(name: str, axes: int, shard: int) -> str:
    return "/".join([name, "c", str(shard), *["0"] * (axes - 1)])
