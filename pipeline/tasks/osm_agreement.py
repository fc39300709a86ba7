"""OSM against DW on a part's tiles, as a task: corrected rasters and the list of dropped tiles have the last word."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.agreement import agreement
from pipeline.built_tiles import BuiltTile
from pipeline.inspection import read_corrected
from pipeline.ledger import Outcome
from pipeline.osm_state import agreement_step
from pipeline.parts import part_inputs, read_part, write_part
from pipeline.recipe import canonical_digest
from pipeline.schema.landcover import IGNORE
from pipeline.schema.osm_records import HandNote, OsmLabelled
from pipeline.schema.tiles import TileAgreement
from pipeline.tasks.osm_job import OsmJob
from pipeline.tile_staging import read_staged

NOT_HAD = "OSM labels could not be had"
"""Asked for in vain, and the recipe allows a share of such tiles."""


def agreement_task(job: OsmJob, before: Outcome) -> Outcome:
    """Judge every tile of a part; a second table says what a hand changed and what that did to the figures."""
    settings = job.recipe.agreement.model_dump(mode="json")
    table = {osm: sorted(classes) for osm, classes in job.admits.items()}
    touched = job.inspection.of_tiles([tile.tile_id for tile in job.part(before.part)])
    inputs = canonical_digest(["agreement", settings, table, touched, job.tiles.digest, before.inputs])
    path, notes = job.run.table("agreement", before.part), job.run.table("inspection", before.part)
    made = not part_inputs(path) == part_inputs(notes) == inputs
    step = None
    if made:
        labelled = {r.tile_id: r for r in read_part(job.run.table("labels", before.part), OsmLabelled)}
        judged = [_judged(job, before.part, tile, labelled[tile.tile_id]) for tile in job.part(before.part)]
        write_part(notes, HandNote, [note for _, found in judged for note in found], inputs)
        write_part(path, TileAgreement, [tile for tile, _ in judged], inputs)
        step = agreement_step([tile for tile, _ in judged])
    return Outcome("agreement", before.part, inputs, before.locations, made, step=step)


def tile_labels(job: OsmJob, part: int, tile: BuiltTile) -> NDArray[np.uint8]:
    """The OSM labels of a tile as they go into the set, (height, width): the corrected ones where there are any."""
    corrected = job.inspection.corrected.get(tile.tile_id)
    if corrected is not None:
        return read_corrected(corrected, tile.grid)
    return _given(job, part, tile)


def _given(job: OsmJob, part: int, tile: BuiltTile) -> NDArray[np.uint8]:
    """The labels as the source gave them."""
    return np.asarray(read_staged(job.run.staged_tile(part, tile.tile_id))["osm"], np.uint8)


def _judged(job: OsmJob, part: int, tile: BuiltTile, labelled: OsmLabelled) -> tuple[TileAgreement, list[HandNote]]:
    dw, settings = job.tiles.dw(tile), job.recipe.agreement
    had = labelled.failure_kind is None
    given = _given(job, part, tile) if had else np.full_like(dw, IGNORE)
    dropped = job.inspection.dropped.get(tile.tile_id)
    before = agreement(tile.tile_id, tile.split, dw, given, settings, admits=job.admits, dropped=dropped)
    after = before
    osm = given
    if tile.tile_id in job.inspection.corrected:
        osm = tile_labels(job, part, tile)
        after = agreement(
            tile.tile_id, tile.split, dw, osm, settings, admits=job.admits, corrected=True, dropped=dropped
        )
    elif not had and dropped is None:
        # What the service said stays in tables/labels: this table is published, and it may say other words each time.
        after = replace(before, reason=NOT_HAD, detail="")
    return after, list(_notes(job, before, after, int((osm != given).sum())))


def _notes(job: OsmJob, before: TileAgreement, after: TileAgreement, changed: int) -> Iterator[HandNote]:
    hand, accuracies = job.inspection, (before.overall_accuracy, after.overall_accuracy)
    tile_id = after.tile_id
    if tile_id in hand.corrected:
        sha256, name = hand.corrected_sha256[tile_id], hand.corrected[tile_id].name
        yield HandNote(tile_id, "corrected", name, sha256, changed, *accuracies)
    if tile_id in hand.dropped:
        yield HandNote(tile_id, "dropped", hand.dropped[tile_id], hand.list_sha256, 0, *accuracies)
