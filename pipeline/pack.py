"""From staged raw patches to the Zarr training store, one task a shard; renaming the folder is the commit."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import zarr
from numpy.typing import NDArray
from pydantic import Field

from pipeline.commit import committed_folder, folder_inputs, replace_folder
from pipeline.content import DIGEST_ATTRIBUTE, row_digest, store_digests, tree_digest
from pipeline.schema.bands import S1_NODATA, S1_SCALING, S2_SCALING
from pipeline.schema.errors import NoldoError
from pipeline.schema.grid import PATCH_PX
from pipeline.schema.records import Patch, ShardRecord, StoreRow
from pipeline.schema.strict import Strict
from pipeline.staging import DIMENSIONS, read_tiles
from pipeline.store_arrays import ARRAY_NAMES, Codec, create_arrays
from pipeline.tally import Tally


class StoreSettings(Strict):
    """How the training store is laid out."""

    shard_rows: int = Field(default=64, gt=0)
    """Locations to a shard file. 64 make 232 MB of Sentinel-2 before compression: whole NoLDO-S12 is then 4,866
    files, below the Hub's advice of 10,000 to a folder, and a pack task holds under 1 GB."""
    codec: Codec = "lz4"
    """lz4 decodes 4 to 10 times faster than zstd on uint8 images; zstd takes about 27 % less space."""
    seed: int = 0
    """Of the order of the rows."""
    statistics: Literal["published"] = "published"
    """Whose band statistics scale the images: those published with SSL4EO-S12 v1."""


def store_order(kept: Sequence[tuple[str, int, int]], seed: int) -> list[StoreRow]:
    """Shuffle (location id, tile part, row in the part) into store order, by seed and location ids alone.

    The order is that of SHA-256 over seed and id: neither parts nor workers matter, no library's random numbers
    do, and dropping a location moves no two others past each other. Raises ValueError where an id comes twice.
    """
    if len({location_id for location_id, _, _ in kept}) != len(kept):
        raise ValueError("a location id comes twice among the kept locations")
    ordered = sorted(kept, key=lambda k: hashlib.sha256(f"{seed}:{k[0]}".encode()).digest())
    return [StoreRow(row, *k) for row, k in enumerate(ordered)]


def n_shards(n_rows: int, settings: StoreSettings) -> int:
    """Number of shards, the last of which may be part full."""
    return -(-n_rows // settings.shard_rows)


def shard_rows(rows: Sequence[StoreRow], shard: int, settings: StoreSettings) -> tuple[StoreRow, ...]:
    """The rows of one shard, of all rows in store order."""
    return tuple(rows[shard * settings.shard_rows : (shard + 1) * settings.shard_rows])


def store_inputs(store: Path) -> str | None:
    """The inputs digest of a committed store, or None where there is none."""
    return folder_inputs(store)


def create_store(final: Path, n_rows: int, settings: StoreSettings, inputs: str, patch_px: int = PATCH_PX) -> Path:
    """Create the empty store under its building name, which is returned; one begun for the same inputs goes on."""
    building = final.with_name(f"{final.name}.building")
    if folder_inputs(building) == inputs:
        return building
    attributes = {
        "Conventions": "CF-1.11",
        "title": "Sentinel-1, Sentinel-2 and Dynamic World over four seasons, a row a location",
        "comment": "Rows lie in many UTM zones: row r is described by the rows of manifest/index.parquet with "
        "row = r, whose epsg and geotransform (a, b, c, d, e, f) give the coordinates of its pixels.",
    }
    with committed_folder(building, inputs) as temporary:
        group = zarr.create_group(temporary, zarr_format=3, attributes=attributes)
        create_arrays(group, n_rows=n_rows, patch_px=patch_px, shard_rows=settings.shard_rows, codec=settings.codec)
    return building


def shard_present(store: Path, shard: int) -> bool:
    """Whether every array has the file of that shard."""
    return all(path.is_file() for path in _shard_files(store, shard))


def pack_shard(
    store: Path, shard: int, rows: Sequence[StoreRow], tiles: Callable[[int], Path], settings: StoreSettings
) -> ShardRecord:
    """Scale the staged patches of one shard to uint8, write it once an array, read it back and compare.

    `rows` are the shard's rows in order and `tiles` gives the folder of a staged part. Safe to repeat: the same
    rows make the same bytes. Unobserved pixels are scaled like any other value: Sentinel-2's 0 becomes what digital
    number 0 is scaled to, which is 0 in B1 only; Sentinel-1's S1_NODATA, or NaN, becomes 0.
    Raises ValueError where `rows` is not that shard, NoldoError where staged pixels or the disk cannot be trusted.
    """
    first = shard * settings.shard_rows
    if not rows or [r.row for r in rows] != list(range(first, first + len(rows))):
        raise ValueError(f"shard {shard} takes the rows from {first} on, got {[r.row for r in rows]}")
    group = zarr.open_group(store, mode="r+")
    arrays: dict[str, Any] = {name: group[name] for name in ARRAY_NAMES}
    blocks = {name: np.empty((len(rows), *a.shape[1:]), np.uint8) for name, a in arrays.items()}
    tally = Tally()
    for at, row in enumerate(rows):
        patch = _staged_patch(tiles(row.tile_part), row)
        tally.add(patch)
        blocks["s2"][at] = S2_SCALING.to_uint8(patch.s2)
        blocks["s1"][at] = S1_SCALING.to_uint8(np.nan_to_num(patch.s1, nan=S1_NODATA))
        blocks["dw"][at] = patch.dw
    digests = {name: _write_verified(arrays[name], first, block) for name, block in blocks.items()}
    return ShardRecord(
        shard=shard,
        first_row=first,
        s2_digests=digests["s2"],
        s1_digests=digests["s1"],
        dw_digests=digests["dw"],
        class_count=tally.class_count(),
        s2_sums=tally.s2_sums(),
        s1_sums=tally.s1_sums(),
    )


def commit_store(building: Path, final: Path, records: Sequence[ShardRecord]) -> str:
    """Give a finished store its digest and its name; returns the digest.

    `records` are those of all its shards. Raises NoldoError where a shard lacks its file or its record.
    """
    group = zarr.open_group(building, mode="r+")
    arrays: dict[str, Any] = {name: group[name] for name in ARRAY_NAMES}
    n_rows, per_shard = arrays["dw"].shape[0], arrays["dw"].shards[0]
    records = sorted(records, key=lambda record: record.shard)
    for shard in range(-(-n_rows // per_shard)):
        expected = min(per_shard, n_rows - shard * per_shard)
        if shard >= len(records) or records[shard].shard != shard or len(records[shard].dw_digests) != expected:
            raise NoldoError(f"{building}: shard {shard} has no record of {expected} rows; run the build again")
        if not shard_present(building, shard):
            raise NoldoError(
                f"{building}: shard {shard} is not there; delete that folder and tables/pack and run the build again"
            )
    for partial in building.rglob("*.partial"):
        partial.unlink()
    digest = tree_digest(store_digests(records, {name: array.shape[1:] for name, array in arrays.items()}))
    group.attrs[DIGEST_ATTRIBUTE] = digest
    replace_folder(building, final, folder_inputs(building))
    return digest


def _staged_patch(tile: Path, row: StoreRow) -> Patch:
    (patch,) = read_tiles(tile, [row.tile_row])
    if patch.location_id != row.location_id:
        raise NoldoError(
            f"{tile} row {row.tile_row} holds location {patch.location_id}, expected {row.location_id}; "
            f"delete it and run the build again"
        )
    return patch


def _write_verified(array: Any, first: int, block: NDArray[np.uint8]) -> tuple[str, ...]:
    """Write rows first.. of an array in one go; returns the digests of the rows as they read back."""
    # Empty chunks are written too: a chunk that is not there is then always damage, never the fill value.
    array.with_config({"write_empty_chunks": True})[first : first + len(block)] = block
    digests = []
    for at, written in enumerate(block):
        try:
            read = np.asarray(array[first + at])
        except (OSError, ValueError, RuntimeError) as error:
            raise NoldoError(f"{array.store_path}: row {first + at} does not read back ({error})") from error
        if not np.array_equal(read, written):
            raise NoldoError(f"{array.store_path}: row {first + at} reads back other than it was written")
        digests.append(row_digest(read))
    return tuple(digests)


def _shard_files(store: Path, shard: int) -> list[Path]:
    return [store / name / _shard_key(name, shard) for name in ARRAY_NAMES]


def _shard_key(name: str, shard: int) -> str:
    inner = len(DIMENSIONS[name]) - 1
    return "/".join(["c", str(shard), *["0"] * inner])
