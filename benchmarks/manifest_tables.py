"""A finished run of made-up tables, as large as wanted, whose store has metadata, and pixels where they are wanted."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import zarr
from numpy.typing import NDArray

from benchmarks.synthetic import good
from pipeline.commit import begun_folder, finish_folder
from pipeline.content import DIGEST_ATTRIBUTE, PREFIX, array_digest, tree_digest
from pipeline.files import zarr_store
from pipeline.funnel_step import FunnelStep, sample_step
from pipeline.manifest.dropped import dropped_locations
from pipeline.manifest.funnel_file import funnel_record
from pipeline.manifest.index import LABEL_SOURCE, SPLIT
from pipeline.manifest.made_from import MadeFrom, StoredLocation, keep_made_from, store_made
from pipeline.pack import StoreSettings, n_shards, store_order
from pipeline.parts import to_table, write_columns, write_part
from pipeline.read_back import write_verified
from pipeline.recipe import EmulatorSettings, Recipe
from pipeline.sample import SampleSettings, sample
from pipeline.schema.grid import PATCH_PX
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import (
    N_SEASONS,
    ExportRecord,
    Location,
    Patch,
    QualityRecord,
    SeasonMatch,
    ShardRecord,
    Verdict,
)
from pipeline.store_arrays import ARRAY_NAMES, create_arrays
from pipeline.tally import Tally

SEED: Final = 1

INPUTS: Final = "benchmark"

WHY: Final = "no DW label"

ORBIT: Final = "ASCENDING"

ANCHORS: Final = (date(2021, 12, 21), date(2021, 9, 22), date(2021, 6, 21), date(2021, 3, 20))
"""Days about which a recipe's seasons lie by default."""


Draw = Callable[[int], Mapping[str, NDArray[np.uint8]]]
"""The pixels of a row: s2, s1 and dw, labelled everywhere."""


def make_run(root: Path, kept: int, sampled: int, draw: Draw | None = None) -> None:
    """Write the tables of a build that kept so many of the sampled locations, and its store.

    The store's pixels are those that `draw` gives; without it, it has no shard files, and digests of nothing.
    """
    run, recipe = RunLayout(root), Recipe(sample=SampleSettings(count=sampled, seed=SEED), source=EmulatorSettings())
    places = sample(recipe.sample)
    # Spread evenly, so that every part has some of each.
    stays = np.diff(np.arange(sampled + 1) * kept // sampled).astype(bool)
    size = recipe.part_locations
    parts = [slice(start, start + size) for start in range(0, sampled, size)]
    quality = to_table(QualityRecord, [good("")])
    for part, where in enumerate(parts):
        _write_part(run, part, places[where], stays[where], quality)
    stored = [(place.location_id, 0, 0) for place, stay in zip(places, stays, strict=True) if stay]
    _write_store(run, recipe.name, kept, recipe.store, draw)
    funnel = (sample_step(sampled), FunnelStep("seasons", sampled, kept, ((WHY, sampled - kept),)))
    told = MadeFrom(
        kind="pretraining",
        inputs=INPUTS,
        recipe=json.dumps(recipe.published()),
        recipe_digest=recipe.digest(),
        funnel=json.dumps(funnel_record(funnel)),
        stores=(store_made(run, recipe.name, SPLIT, "pack", n_shards(kept, recipe.store)),),
        label_source=LABEL_SOURCE,
        parts=len(parts),
    )
    rows = [StoredLocation(row.row, row.location_id) for row in store_order(stored, recipe.store.seed)]
    keep_made_from(run, told, rows, dropped_locations(run, len(parts), ("seasons", "export", "quality")))


def _write_part(
    run: RunLayout, part: int, places: Sequence[Location], stays: NDArray[np.bool_], quality: pa.Table
) -> None:
    kept = [place.location_id for place, stay in zip(places, stays, strict=True) if stay]
    verdicts = [
        Verdict(place.location_id, bool(stay), "" if stay else WHY, "" if stay else f"season 2: {WHY}")
        for place, stay in zip(places, stays, strict=True)
    ]
    good_ones = pa.concat_tables([quality] * len(kept)).set_column(0, "location_id", pa.array(kept, pa.string()))
    write_part(run.table("sample", part), Location, places, INPUTS)
    write_part(run.table("match", part), SeasonMatch, [m for place in places for m in _matches(place)], INPUTS)
    write_part(run.table("seasons", part), Verdict, verdicts, INPUTS)
    write_part(run.table("export", part), ExportRecord, [ExportRecord(i, 0, None, "") for i in kept], INPUTS)
    write_columns(run.table("quality", part), good_ones, INPUTS)


def _matches(place: Location) -> Iterator[SeasonMatch]:
    """Scenes with ids as long as real ones; one scene serves a few places, as a city's do."""
    digest = hashlib.sha256(f"{place.lon_deg:.0f} {place.lat_deg:.0f}".encode()).digest()
    tile = f"{place.grid.epsg % 100:02d}TAA"
    for season in range(N_SEASONS):
        noon = datetime.combine(ANCHORS[season], time(12), UTC)
        at = noon + timedelta(days=digest[season] % 30 - 15, seconds=digest[9])
        index = f"{at:%Y%m%dT%H%M%S}_{at:%Y%m%dT%H%M%S}_T{tile}"
        asset = f"COPERNICUS/S1_GRD/S1A_IW_GRDH_1SDV_{at:%Y%m%dT%H%M%S}_{at:%Y%m%dT%H%M%S}_040000_04C000_AB12"
        yield SeasonMatch(
            location_id=place.location_id,
            season=season,
            s2_id=f"COPERNICUS/S2_HARMONIZED/{index}",
            s2_time=at,
            s2_cloud_pct=digest[-season - 1] / 13,
            s2_baseline="03.01",
            s2_tile=tile,
            s1_id=asset,
            s1_time=at,
            s1_orbit_pass=ORBIT,
            s1_relative_orbit=88,
            dw_id=f"GOOGLE/DYNAMICWORLD/V1/{index}",
        )


def _write_store(run: RunLayout, name: str, rows: int, settings: StoreSettings, draw: Draw | None) -> None:
    """The store, and a record a shard: a real one's, with digests of its own."""
    per_shard = settings.shard_rows
    with begun_folder(run.store(name), INPUTS) as folder:
        group = zarr.create_group(zarr_store(folder), zarr_format=3)
        create_arrays(group, n_rows=rows, patch_px=PATCH_PX, shard_rows=per_shard, codec=settings.codec)
        arrays: dict[str, Any] = dict(group.arrays())
        digests = _of_nothing(rows) if draw is None else _write_pixels(arrays, rows, per_shard, draw)
        content = {array: array_digest("uint8", arrays[array].shape[1:], digests[array]) for array in ARRAY_NAMES}
        group.attrs[DIGEST_ATTRIBUTE] = tree_digest(content)
    finish_folder(run.store(name))
    template = to_table(ShardRecord, [_record()])
    for shard in range(n_shards(rows, settings)):
        mine = slice(shard * per_shard, (shard + 1) * per_shard)
        changed = {"shard": shard, "first_row": mine.start} | {f"{a}_digests": digests[a][mine] for a in ARRAY_NAMES}
        table = template
        for at, field in enumerate(template.schema):
            if field.name in changed:
                table = table.set_column(at, field, pa.array([changed[field.name]], field.type))
        write_columns(run.table("pack", shard), table, INPUTS)


def _of_nothing(rows: int) -> dict[str, list[str]]:
    rng = np.random.default_rng(SEED)
    return {array: [PREFIX + rng.bytes(32).hex() for _ in range(rows)] for array in ARRAY_NAMES}


def _write_pixels(arrays: Mapping[str, Any], rows: int, per_shard: int, draw: Draw) -> dict[str, list[str]]:
    """Write every row, a shard at a time; their digests by array."""
    digests: dict[str, list[str]] = {array: [] for array in ARRAY_NAMES}
    for first in range(0, rows, per_shard):
        drawn = [draw(row) for row in range(first, min(first + per_shard, rows))]
        for array in ARRAY_NAMES:
            digests[array] += write_verified(arrays[array], first, np.stack([row[array] for row in drawn]))
    return digests


def _record() -> ShardRecord:
    """Of one random patch."""
    rng, tally = np.random.default_rng(SEED), Tally()
    side = (PATCH_PX, PATCH_PX)
    tally.add(
        Patch(
            "",
            rng.gamma(4.0, 400.0, (N_SEASONS, 13, *side)).astype(np.uint16),
            rng.normal(-12.0, 4.0, (N_SEASONS, 2, *side)).astype(np.float32),
            rng.integers(0, 9, (N_SEASONS, *side), dtype=np.uint8),
        )
    )
    return ShardRecord(
        shard=0,
        first_row=0,
        s2_digests=(),
        s1_digests=(),
        dw_digests=(),
        class_count=tally.class_count(),
        class_pairs=tally.class_pairs(),
        s2_sums=tally.s2_sums(),
        s1_sums=tally.s1_sums(),
        s2_histogram=tally.s2_histogram(),
        s1_histogram=tally.s1_histogram(),
    )
