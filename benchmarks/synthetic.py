"""Stages without a service: scenes out of a hash, pixel requests planned and never sent, records as if all had come."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from pipeline.export import plan_requests
from pipeline.ledger import Outcome
from pipeline.match import match_part
from pipeline.parts import part_inputs, read_part, write_part
from pipeline.recipe import canonical_digest
from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.grid import PATCH_PX
from pipeline.schema.landcover import N_DW_CLASSES
from pipeline.schema.records import (
    N_SEASONS,
    Arrays,
    BandSum,
    ExportRecord,
    Location,
    QualityRecord,
    S1Scene,
    S2Scene,
    SeasonMatch,
    SensorShift,
    Verdict,
)
from pipeline.sources.protocol import PixelRequest, SceneLimits, SceneSlot, SlotScenes
from pipeline.tasks.job import Job
from pipeline.tasks.metadata import seasons_task

SCENES: Final = 4
"""Scenes of either sensor a season."""

NO_S2_SHARE: Final = 0.2
"""Share of the seasons without an optical scene: 0.8^4 = 41 % of the locations are kept, as of SSL4EO-S12's places
had four labelled seasons (SSL4EO-S12@NoL: 103,793 of 251,079)."""


class HashedScenes:
    """A Source that knows scenes for any place, and has no pixels."""

    def find_scenes(self, slots: Sequence[SceneSlot], limits: SceneLimits) -> list[SlotScenes]:
        """Scenes by place, year and season alone, the same on every machine; `limits` cut nothing off."""
        del limits
        return [_scenes(slot) for slot in slots]

    def fetch_pixels(self, request: PixelRequest) -> Arrays:
        """Raises SourceError."""
        raise SourceError(FailureKind.EMPTY, f"location {request.location_id}: this source has no pixels")


def match_stub(job: Job, before: Outcome) -> Outcome:
    """The match of a part, with HashedScenes for a service."""
    inputs = canonical_digest(["match", before.inputs])
    path = job.run.table("match", before.part)
    made = part_inputs(path) != inputs
    if made:
        locations = read_part(job.run.table("sample", before.part), Location)
        write_part(path, SeasonMatch, match_part(locations, job.recipe.seasons, HashedScenes()), inputs)
    return Outcome("match", before.part, inputs, before.locations, made=made)


def export_stub(job: Job, before: Outcome) -> Outcome:
    """Plan the requests of a part's kept locations and write down that their pixels came."""
    inputs = canonical_digest(["export", before.inputs])
    path = job.run.table("export", before.part)
    made = part_inputs(path) != inputs
    if made:
        kept = {v.location_id for v in read_part(job.run.table("seasons", before.part), Verdict) if v.kept}
        places = [p for p in read_part(job.run.table("sample", before.part), Location) if p.location_id in kept]
        seasons: dict[str, list[SeasonMatch]] = {place.location_id: [] for place in places}
        for match in read_part(job.run.table("match", before.part), SeasonMatch):
            if match.location_id in seasons:
                seasons[match.location_id].append(match)
        for place in places:
            plan_requests(place, seasons[place.location_id], job.recipe.export)
        records = [ExportRecord(place.location_id, row, None, "") for row, place in enumerate(places)]
        write_part(path, ExportRecord, records, inputs)
    return Outcome("export", before.part, inputs, before.locations, made=made)


def quality_stub(job: Job, before: Outcome) -> Outcome:
    """Find every location good, in records as long as real ones."""
    inputs = canonical_digest(["quality", before.inputs])
    path = job.run.table("quality", before.part)
    made = part_inputs(path) != inputs
    if made:
        exported = read_part(job.run.table("export", before.part), ExportRecord)
        write_part(path, QualityRecord, [good(record.location_id) for record in exported], inputs)
    return Outcome("quality", before.part, inputs, before.locations, made=made)


def pack_stub(job: Job, shard: int, rows: Sequence[Any], upstream: str) -> Outcome:
    """A shard's task, which writes nothing."""
    del job
    return Outcome("pack", shard, upstream, len(rows), made=True)


STUBS: Final = {"match": match_stub, "seasons": seasons_task, "export": export_stub, "quality": quality_stub}
"""In place of pipeline.flow.PART_TASKS."""


def good(location_id: str) -> QualityRecord:
    """A kept location's record, with every field filled."""
    every = (1.0,) * N_SEASONS
    pixels = PATCH_PX * PATCH_PX
    total = BandSum(pixels, 1000.0 * pixels, 1.1e6 * pixels, 1.0, 9999.0)
    return QualityRecord(
        location_id,
        kept=True,
        reason="",
        detail="",
        dw_valid_share=every,
        s2_valid_share=every,
        s1_valid_share=every,
        dw_class_count=(N_SEASONS * pixels // N_DW_CLASSES,) * N_DW_CLASSES,
        s1_border_share=(0.0,) * N_SEASONS,
        s2_dark_level=(300.0,) * N_SEASONS,
        s1_shift=(SensorShift(0.0, 0.0, 9.0),) * N_SEASONS,
        s2_sums=((total,) * len(S2_BANDS),) * N_SEASONS,
        s1_sums=((total,) * len(S1_BANDS),) * N_SEASONS,
    )


def _scenes(slot: SceneSlot) -> SlotScenes:
    digest = hashlib.sha256(f"{slot.location_id}:{slot.season}".encode()).digest()
    if digest[0] / 256 < NO_S2_SHARE:
        return SlotScenes(slot.location_id, slot.season, (), ())
    tile = f"{slot.grid.epsg % 100:02d}TAA"
    optical, radar = [], []
    for number in range(1, SCENES + 1):
        time = slot.window.centre + timedelta(days=digest[number] % 30 - 15, seconds=number)
        index = f"{time:%Y%m%dT%H%M%S}_{time:%Y%m%dT%H%M%S}_T{tile}"
        optical.append(
            S2Scene(
                asset_id=f"COPERNICUS/S2_HARMONIZED/{index}",
                time=time,
                cloud_pct=digest[-number] / 13,
                baseline="03.01",
                tile=tile,
                dw_id=f"GOOGLE/DYNAMICWORLD/V1/{index}",
                relative_orbit=22,
                platform="Sentinel-2A",
            )
        )
        asset = (
            f"COPERNICUS/S1_GRD/S1A_IW_GRDH_1SDV_{time:%Y%m%dT%H%M%S}_{time:%Y%m%dT%H%M%S}_040000_04C000_{number:04d}"
        )
        radar.append(S1Scene(asset, time, "ASCENDING", 88, "S1A"))
    return SlotScenes(slot.location_id, slot.season, tuple(optical), tuple(radar))
