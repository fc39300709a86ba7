"""A finished run of made-up tables, as large as wanted, whose store has metadata and no pixels."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

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


def make_run(root: Path, kept: int, sampled: int) -> None:
    """Write the tables of a build that kept so many of the sampled locations, and a store without shard files."""
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
    _write_store(run, recipe.name, kept, recipe.store)
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
        time = datetime(2021, 3, 1, 10, 4, tzinfo=UTC) + timedelta(
            days=91 * season + digest[season] % 30, seconds=digest[9]
        )
        index = f"{time:%Y%m%dT%H%M%S}_{time:%Y%m%dT%H%M%S}_T{tile}"
        asset = f"COPERNICUS/S1_GRD/S1A_IW_GRDH_1SDV_{time:%Y%m%dT%H%M%S}_{time:%Y%m%dT%H%M%S}_040000_04C000_AB12"
        yield SeasonMatch(
            location_id=place.location_id,
            season=season,
            s2_id=f"COPERNICUS/S2_HARMONIZED/{index}",
            s2_time=time,
            s2_cloud_pct=digest[-season - 1] / 13,
            s2_baseline="03.01",
            s2_tile=tile,
            s1_id=asset,
            s1_time=time,
            s1_orbit_pass=ORBIT,
            s1_relative_orbit=88,
            dw_id=f"GOOGLE/DYNAMICWORLD/V1/{index}",
        )


def _write_store(run: RunLayout, name: str, rows: int, settings: StoreSettings) -> None:
    """The store's metadata, and a record a shard: a real one's, with digests of its own."""
    rng = np.random.default_rng(SEED)
    digests = {array: [PREFIX + rng.bytes(32).hex() for _ in range(rows)] for array in ARRAY_NAMES}
    template = to_table(ShardRecord, [_record()])
    per_shard = settings.shard_rows
    for shard in range(n_shards(rows, settings)):
        mine = slice(shard * per_shard, (shard + 1) * per_shard)
        changed = {"shard": shard, "first_row": mine.start} | {f"{a}_digests": digests[a][mine] for a in ARRAY_NAMES}
        table = template
        for at, field in enumerate(template.schema):
            if field.name in changed:
                table = table.set_column(at, field, pa.array([changed[field.name]], field.type))
        write_columns(run.table("pack", shard), table, INPUTS)
    with begun_folder(run.store(name), INPUTS) as folder:
        group = zarr.create_group(zarr_store(folder), zarr_format=3)
        create_arrays(group, n_rows=rows, patch_px=PATCH_PX, shard_rows=per_shard, codec=settings.codec)
        shapes = {array: found.shape[1:] for array, found in group.arrays()}
        content = {array: array_digest("uint8", shapes[array], digests[array]) for array in ARRAY_NAMES}
        group.attrs[DIGEST_ATTRIBUTE] = tree_digest(content)
    finish_folder(run.store(name))


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
