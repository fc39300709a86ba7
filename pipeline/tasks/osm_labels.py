"""OSM labels of a part's tiles, as a task: asked for tile by tile, each kept as it arrives."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.built_tiles import BuiltTile
from pipeline.content import row_digest
from pipeline.ledger import Outcome
from pipeline.osm_state import labels_step
from pipeline.parts import part_inputs, read_part, write_part
from pipeline.recipe import canonical_digest
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.landcover import IGNORE
from pipeline.schema.osm_records import OsmLabelled
from pipeline.schema.records import Failure
from pipeline.tasks.osm_job import OsmJob
from pipeline.tile_staging import staged_for, write_staged

Ask = Callable[[PixelGrid, str], NDArray[np.uint8]]
"""Gives the land use on the grid of the tile of that id, (height, width) of OSM class 1..13 or IGNORE; SourceError if
it cannot."""

RETRIED: Final = (FailureKind.TRANSIENT, FailureKind.QUOTA)
"""Failures that the next run tries again by itself."""

PATIENCE: Final = 3
"""Tiles in a row that may fail before the service is left in peace for this run."""


class Politely:
    """Asks a source until it has failed for several tiles in a row; from then on fails without asking.

    A tile that is refused for good is no failure of a source that has given another one in the same run.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._answered = False
        self._failed = 0
        self._last: SourceError | None = None

    def __call__(self, grid: PixelGrid, tile_id: str) -> NDArray[np.uint8]:
        """What the source answers for a tile; SourceError where it cannot, or is no longer asked."""
        if self._last is not None and self._failed >= PATIENCE:
            # Whatever the kind of those failures, this tile is still to be asked for.
            raise SourceError(FailureKind.TRANSIENT, f"not asked after {PATIENCE} failures in a row: {self._last}")
        try:
            answer = self._ask(grid, tile_id)
        except SourceError as error:
            counts = error.kind in RETRIED or not self._answered
            self._failed, self._last = self._failed + counts, error
            raise
        self._answered, self._failed = True, 0
        return answer


def labels_inputs(job: OsmJob, part: int) -> str:
    """The digest of what decides the labels of a part: source and grids."""
    grids = [(tile.tile_id, tile.grid.epsg, tile.grid.affine, tile.grid.width_px) for tile in job.part(part)]
    return canonical_digest(["labels", job.labels_from, grids])


def labels_task(job: OsmJob, part: int, ask: Ask) -> Outcome:
    """Get the labels of the tiles that are not there yet; what an earlier run staged from the same source is kept."""
    inputs = labels_inputs(job, part)
    path, tiles = job.run.table("labels", part), job.part(part)
    committed = read_part(path, OsmLabelled) if part_inputs(path) == inputs else []
    settled = {r.tile_id: r for r in committed if r.failure_kind and r.failure_kind not in (*RETRIED, *job.retry)}
    known = {r.tile_id: r for r in committed}
    records = [settled.get(tile.tile_id) or _labelled(job, part, tile, ask) for tile in tiles]
    made = any(known.get(record.tile_id) != record for record in records)
    if made:
        write_part(path, OsmLabelled, records, inputs)
    told = canonical_digest([inputs, [(r.tile_id, r.digest) for r in records]])
    failures = tuple(
        Failure(r.tile_id, "labels", 1, r.failure_kind, r.failure_message) for r in records if r.failure_kind
    )
    return Outcome(
        "labels", part, told, len(tiles), made, failures=failures, step=labels_step(records) if made else None
    )


def _labelled(job: OsmJob, part: int, tile: BuiltTile, ask: Ask) -> OsmLabelled:
    """The record of one tile, whose labels are read back where they are staged already: every byte is checked."""
    path = job.run.staged_tile(part, tile.tile_id)
    grid = tile.grid
    made_from = canonical_digest([job.labels_from, grid.epsg, grid.affine, grid.width_px, grid.height_px])
    staged = staged_for(path, made_from)
    try:
        osm = ask(grid, tile.tile_id) if staged is None else np.asarray(staged["osm"], np.uint8)
    except SourceError as error:
        return OsmLabelled(tile.tile_id, "", 0.0, *tile.centre, error.kind, str(error))
    if staged is None:
        write_staged(path, {"osm": osm}, made_from)
    return OsmLabelled(tile.tile_id, row_digest(osm), int((osm != IGNORE).sum()) / osm.size, *tile.centre)
