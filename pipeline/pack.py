"""From staged raw patches to the Zarr training store, one task a shard; renaming the folder is the commit."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import zarr
from numpy.typing import NDArray
from pydantic import Field

from pipeline.commit import begun_folder, begun_inputs, building_folder, finish_folder, folder_inputs
from pipeline.content import DIGEST_ATTRIBUTE, store_digests, tree_digest
from pipeline.files import file_sizes, is_file, is_local, zarr_store
from pipeline.read_back import write_verified
from pipeline.scaling import PUBLISHED, Statistics, StoreScaling
from pipeline.schema.bands import S1_NODATA, Scaling
from pipeline.schema.errors import NoldoError
from pipeline.schema.grid import PATCH_PX
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import Patch, ShardRecord, StoreRow
from pipeline.schema.strict import Strict
from pipeline.staging import read_tiles
from pipeline.store_arrays import ARRAY_NAMES, PROBABILITIES, Codec, create_arrays, stored_scaling
from pipeline.store_statistics import store_statistics, write_statistics
from pipeline.tally import Tally

INNER_AXES: Final = {"s2": 4, "s1": 4, "dw": 3, PROBABILITIES: 4}
"""Axes of each array beside that of the rows: shards divide the rows only."""


class StoreSettings(Strict):
    """How the training store is laid out."""

    shard_rows: int = Field(default=64, gt=0)
    """Locations to a shard file. 64 make 232 MB of Sentinel-2 before compression: whole NoLDO-S12 is then 4,866
    files, below the Hub's advice of 10,000 to a folder, and a pack task holds under 1 GB."""
    codec: Codec = "lz4"
    """lz4 decodes 4 to 10 times faster than zstd on uint8 images; zstd takes about 27 % less space."""
    seed: int = 0
    """Of the order of the rows."""
    statistics: Statistics = "published"
    """Whose mean and std scale the images: published (with SSL4EO-S12 v1), own (the kept locations' observed pixels),
    or given here as {s2: {mean: [...], std: [...]}, s1: {...}}, in digital numbers and dB."""
    clip_std: float = Field(default=2.0, gt=0, allow_inf_nan=False)
    """Standard deviations to either side of the mean that are kept; what lies beyond is clipped."""
    staging: Literal["keep", "free"] = "keep"
    """Whether the raw pixels under tiles/ stay, or go as soon as the shard that holds them is written and checked."""


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


def store_inputs(store: AnyPath) -> str | None:
    """The inputs digest of a committed store, or None where there is none."""
    return folder_inputs(store)


def create_store(
    final: AnyPath,
    n_rows: int,
    settings: StoreSettings,
    inputs: str,
    patch_px: int = PATCH_PX,
    *,
    scaling: StoreScaling = PUBLISHED,
    probabilities: bool = False,
) -> AnyPath:
    """Create the empty store under its building name, which is returned; one begun for the same inputs goes on."""
    if begun_inputs(final) == inputs:
        return building_folder(final)
    attributes = {
        "Conventions": "CF-1.11",
        "title": "Sentinel-1, Sentinel-2 and Dynamic World over four seasons, a row a location",
        "comment": "Rows lie in many UTM zones: row r is described by the rows of manifest/index.parquet with "
        "row = r, whose epsg and geotransform (a, b, c, d, e, f) give the coordinates of its pixels.",
    }
    with begun_folder(final, inputs) as folder:
        group = zarr.create_group(zarr_store(folder), zarr_format=3, attributes=attributes)
        create_arrays(
            group,
            n_rows=n_rows,
            patch_px=patch_px,
            shard_rows=settings.shard_rows,
            codec=settings.codec,
            scaling=scaling,
            probabilities=probabilities,
        )
    return building_folder(final)


def array_names(store: AnyPath) -> tuple[str, ...]:
    """The arrays of a store: s2, s1, dw and, where it has probabilities, dw_prob."""
    more = (PROBABILITIES,) if is_file(store / PROBABILITIES / "zarr.json") else ()
    return (*ARRAY_NAMES, *more)


def shard_present(store: AnyPath, shard: int) -> bool:
    """Whether every array has the file of that shard."""
    return all(is_file(store / name / _shard_key(name, shard)) for name in array_names(store))


def missing_shards(store: AnyPath, shards: int) -> list[int]:
    """Which of the shards 0..shards-1 lack the file of an array; one listing, however many there are."""
    there = file_sizes(store)
    names = array_names(store)
    return [s for s in range(shards) if any(f"{name}/{_shard_key(name, s)}" not in there for name in names)]


def pack_shard(
    store: AnyPath, shard: int, rows: Sequence[StoreRow], tiles: Callable[[int], AnyPath], settings: StoreSettings
) -> ShardRecord:
    """Scale the staged patches of one shard to uint8, write it once an array, read it back and compare.

    `rows` are the shard's rows in order and `tiles` gives the folder of a staged part. Safe to repeat: the same
    rows make the same bytes. Unobserved pixels are scaled like any other value: Sentinel-2's 0 becomes what digital
    number 0 is scaled to, which with the published statistics is 0 in B1 only; Sentinel-1's S1_NODATA, or NaN,
    becomes 0.
    Raises ValueError where `rows` is not that shard, NoldoError where staged pixels or the disk cannot be trusted.
    """
    first = shard * settings.shard_rows
    if not rows or [r.row for r in rows] != list(range(first, first + len(rows))):
        raise ValueError(f"shard {shard} takes the rows from {first} on, got {[r.row for r in rows]}")
    group = zarr.open_group(zarr_store(store), mode="r+")
    arrays: dict[str, Any] = {name: group[name] for name in array_names(store)}
    blocks = {name: np.empty((len(rows), *a.shape[1:]), np.uint8) for name, a in arrays.items()}
    scaling = stored_scaling(arrays)
    numbers_s2 = _lookup(scaling.s2)
    tally = Tally()
    for at, row in enumerate(rows):
        patch = _staged_patch(tiles(row.tile_part), row)
        if PROBABILITIES in blocks and patch.dw_prob is None:
            tile = tiles(row.tile_part)
            raise NoldoError(f"{tile} holds no probabilities of {row.location_id}; delete it and run the build again")
        tally.add(patch)
        _put(patch, scaling, numbers_s2, {name: block[at] for name, block in blocks.items()})
    # Each block is let go of once it is written, the largest last: writing one takes its encoded size again.
    ascending = sorted(arrays, key=lambda name: blocks[name].nbytes)
    digests = {name: write_verified(arrays[name], first, blocks.pop(name)) for name in ascending}
    return ShardRecord(
        shard=shard,
        first_row=first,
        s2_digests=digests["s2"],
        s1_digests=digests["s1"],
        dw_digests=digests["dw"],
        class_count=tally.class_count(),
        class_pairs=tally.class_pairs(),
        s2_sums=tally.s2_sums(),
        s1_sums=tally.s1_sums(),
        s2_histogram=tally.s2_histogram(),
        s1_histogram=tally.s1_histogram(),
        dw_prob_digests=digests.get(PROBABILITIES, ()),
        dw_prob_totals=tally.dw_prob_totals() if PROBABILITIES in arrays else (),
    )


def packed_row(patch: Patch, scaling: StoreScaling) -> dict[str, NDArray[np.uint8]]:
    """One location as a store holds it, by array: s2 and s1 scaled, dw, and dw_prob where the patch has it."""
    shapes = {"s2": patch.s2.shape, "s1": patch.s1.shape, "dw": patch.dw.shape}
    if patch.dw_prob is not None:
        shapes[PROBABILITIES] = patch.dw_prob.shape
    row = {name: np.empty(shape, np.uint8) for name, shape in shapes.items()}
    _put(patch, scaling, _lookup(scaling.s2), row)
    return row


def commit_store(final: AnyPath, records: Sequence[ShardRecord]) -> str:
    """Give a store that was begun its statistics, its digest and its name; returns the digest.

    `records` are those of all its shards. Raises NoldoError where a shard lacks its file or its record.
    """
    building = building_folder(final)
    group = zarr.open_group(zarr_store(building), mode="r+")
    arrays: dict[str, Any] = {name: group[name] for name in array_names(building)}
    records = sorted(records, key=lambda record: record.shard)
    _require_whole(building, arrays, records)
    for partial in building.rglob("*.partial") if is_local(building) else ():
        partial.unlink()
    write_statistics(group, store_statistics(records))
    digest = tree_digest(store_digests(records, {name: array.shape[1:] for name, array in arrays.items()}))
    group.attrs[DIGEST_ATTRIBUTE] = digest
    finish_folder(final)
    return digest


def _require_whole(building: AnyPath, arrays: dict[str, Any], records: Sequence[ShardRecord]) -> None:
    n_rows, per_shard = arrays["dw"].shape[0], arrays["dw"].shards[0]
    missing = missing_shards(building, -(-n_rows // per_shard))
    for shard in range(-(-n_rows // per_shard)):
        expected = min(per_shard, n_rows - shard * per_shard)
        known = shard < len(records) and records[shard].shard == shard
        if not known or any(len(records[shard].row_digests(name)) != expected for name in arrays):
            raise NoldoError(f"{building}: shard {shard} has no record of {expected} rows; run the build again")
        if shard in missing:
            raise NoldoError(
                f"{building}: shard {shard} is not there; delete that folder and tables/pack and run the build again"
            )


def _lookup(scaling: Scaling) -> NDArray[np.uint8]:
    """(bands, 65536): what every digital number becomes."""
    every = np.broadcast_to(np.arange(2**16, dtype=np.uint16), (len(scaling.bands), 1, 2**16))
    return scaling.to_uint8(every)[:, 0]


def _put(
    patch: Patch, scaling: StoreScaling, numbers_s2: NDArray[np.uint8], row: Mapping[str, NDArray[np.uint8]]
) -> None:
    """Put a location into a row of the store's arrays; `numbers_s2` is the lookup of its Sentinel-2 scaling."""
    _scale_s2(patch.s2, numbers_s2, row["s2"])
    row["s1"][...] = scaling.s1.to_uint8(np.nan_to_num(patch.s1, nan=S1_NODATA))
    row["dw"][...] = patch.dw
    if patch.dw_prob is not None and PROBABILITIES in row:
        row[PROBABILITIES][...] = patch.dw_prob


def _scale_s2(s2_SBHW: NDArray[np.uint16], numbers_s2: NDArray[np.uint8], out_SBHW: NDArray[np.uint8]) -> None:
    for season, bands in enumerate(s2_SBHW):
        for band, numbers in enumerate(bands):
            out_SBHW[season, band] = numbers_s2[band].take(numbers)


def _staged_patch(tile: AnyPath, row: StoreRow) -> Patch:
    (patch,) = read_tiles(tile, [row.tile_row])
    if patch.location_id != row.location_id:
        raise NoldoError(
            f"{tile} row {row.tile_row} holds location {patch.location_id}, expected {row.location_id}; "
            f"delete it and run the build again"
        )
    return patch


def _shard_key(name: str, shard: int) -> str:
    inner = INNER_AXES[name]
    return "/".join(["c", str(shard), *["0"] * inner])
