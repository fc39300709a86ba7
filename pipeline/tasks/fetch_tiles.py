"""The pixels of a part's paired tiles, as a task."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from pipeline.experts import read_expert_labels
from pipeline.fetch_tiles import failed_tile, judge_tile, paired, plan_tile, to_images
from pipeline.ledger import Outcome
from pipeline.parts import part_inputs, read_part, write_part
from pipeline.recipe import canonical_digest
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.records import Attempt, Failure
from pipeline.schema.tiles import ExpertTile, FetchedTile, TilePair
from pipeline.sources.earthengine import EarthEngineSource
from pipeline.sources.protocol import Source
from pipeline.tasks.job import all_failed, counted_in
from pipeline.tasks.tile_job import TileJob
from pipeline.tile_staging import keep_staged, staged_for, staged_ids, write_staged
from pipeline.tile_state import fetch_step

RETRIED: Final = (FailureKind.TRANSIENT, FailureKind.QUOTA)
"""Failures that the next run tries again by itself."""

Pair = tuple[ExpertTile, TilePair]


def fetch_task(job: TileJob, before: Outcome) -> Outcome:
    """Fetch the images of the tiles that are paired, each staged with its labels as it arrives; the table commits.

    What an earlier run staged for the same scenes is kept, of a part that was cut short once it has been read back. A
    tile that was observed too little is written down with the reason.
    """
    if not before.inputs:
        return Outcome("fetch", before.part, "", 0, made=False)
    inputs = canonical_digest(["fetch", job.recipe.fetch_content(), before.inputs])
    path = job.run.table("fetch", before.part)
    records = read_part(path, FetchedTile) if part_inputs(path) == inputs else []
    folder = job.run.staged_tile(before.part, "any").parent
    settled = _settled(records, staged_ids(folder), (*RETRIED, *job.retry))
    if part_inputs(path) == inputs and len(settled) == len(records):
        return _outcome(before, inputs, records, (), made=False)
    wanted = paired(
        read_part(job.run.table("tiles", before.part), ExpertTile),
        read_part(job.run.table("pair", before.part), TilePair),
    )
    attempts: list[Attempt] = []
    asked = [tile.tile_id for tile, _ in wanted if tile.tile_id not in settled]
    if asked:
        try:
            source = EarthEngineSource(job.spec, stage="fetch", link=counted_in(attempts, job.link.bind()))
        except SourceError as error:
            failed = all_failed("fetch", asked, error, attempts)
            return Outcome("fetch", before.part, "", 0, made=True, failures=failed)
        settled.update(_fetched(job, before.part, [pair for pair in wanted if pair[0].tile_id in set(asked)], source))
    records = [settled[tile.tile_id] for tile, _ in wanted]
    keep_staged(folder, {record.tile_id for record in records if record.kept})
    write_part(path, FetchedTile, records, inputs)
    return _outcome(before, inputs, records, attempts, made=True)


def _fetched(job: TileJob, part: int, pairs: Sequence[Pair], source: Source) -> Mapping[str, FetchedTile]:
    """A record for each of these tiles, those that stay being staged."""

    def fetch(pair: Pair) -> FetchedTile:
        return _fetch(job, part, *pair, source.fetch_pixels)

    with ThreadPoolExecutor(max_workers=job.recipe.fetch.concurrency, thread_name_prefix="fetch") as pool:
        return {record.tile_id: record for record in pool.map(fetch, pairs)}


def _fetch(
    job: TileJob, part: int, tile: ExpertTile, pair: TilePair, ask: Callable[..., Mapping[str, np.ndarray]]
) -> FetchedTile:
    settings = job.recipe.fetch
    pixels = {key: value for key, value in job.recipe.fetch_content().items() if key.endswith("resampling")}
    made_from = canonical_digest([pixels, job.recipe.source.identity(), tile.sha256, pair.s2_id, pair.s1_id])
    path = job.run.staged_tile(part, tile.tile_id)
    known = staged_for(path, made_from)
    if known is not None:
        return judge_tile(tile, known["s2"].astype(np.uint16), known["s1"].astype(np.float32), settings)
    try:
        s2, s1 = to_images(tile, ask(plan_tile(tile, pair, settings)))
    except SourceError as error:
        return failed_tile(tile.tile_id, error)
    record = judge_tile(tile, s2, s1, settings)
    if record.kept:
        labels = read_expert_labels(job.recipe.experts.folder_of(tile.split), tile)
        write_staged(path, {"s2": s2, "s1": s1, "dw": labels}, made_from)
    return record


def _settled(
    records: Iterable[FetchedTile], staged: Collection[str], open_again: Collection[FailureKind]
) -> dict[str, FetchedTile]:
    """The committed records that stand, by tile: those staged or dropped, and failures that nobody asks for again."""

    def stands(record: FetchedTile) -> bool:
        if record.failure_kind is not None:
            return record.failure_kind not in open_again
        return not record.kept or record.tile_id in staged

    return {record.tile_id: record for record in records if stands(record)}


def _outcome(
    before: Outcome, inputs: str, records: Sequence[FetchedTile], attempts: Iterable[Attempt], *, made: bool
) -> Outcome:
    """The outcome of a committed part; what follows is made from the tiles whose pixels are there."""
    absent = sorted(record.tile_id for record in records if record.failure_kind is not None)
    made_attempts = Counter(attempt.location_id for attempt in attempts)
    failures = tuple(
        Failure(r.tile_id, "fetch", max(made_attempts.get(r.tile_id, 0), 1), r.failure_kind, r.failure_message)
        for r in records
        if r.failure_kind is not None and r.failure_kind is not FailureKind.EMPTY
    )
    return Outcome(
        "fetch",
        before.part,
        canonical_digest([inputs, "without", absent]) if absent else inputs,
        before.locations,
        made=made,
        failures=failures,
        step=fetch_step(records) if made else None,
    )
