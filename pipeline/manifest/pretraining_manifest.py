"""The manifest of a pretraining set: what it is made from is kept, then it is written like any other."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipeline.funnel_step import FunnelStep
from pipeline.manifest.dropped import dropped_locations
from pipeline.manifest.funnel_file import funnel_record
from pipeline.manifest.index import LABEL_SOURCE, SPLIT
from pipeline.manifest.made_from import MadeFrom, StoredLocation, keep_made_from, store_made
from pipeline.manifest.provenance import public_recipe
from pipeline.manifest.write import ManifestRecord, write_manifest
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import StoreRow

TABLE: Final = "pack"
"""Whose parts hold the records of the shards."""


def write_pretraining_manifest(
    run: RunLayout,
    store: str,
    rows: Sequence[StoreRow],
    *,
    parts: int,
    shards: int,
    funnel: Sequence[FunnelStep],
    provenance: Mapping[str, Any],
    label_source: str | None = LABEL_SOURCE,
) -> ManifestRecord:
    """Describe a finished store in run.manifest, which is replaced whole, as write_manifest says.

    `rows` are the store's; sample, match and quality are read from so many `parts` of tables, and the records of so
    many `shards` from the table 'pack'. `provenance` is as in write_tile_manifest; `label_source` is None where no
    pixel has a label. Raises NoldoError where the store cannot be read or is not the one that its records describe.
    """
    told = MadeFrom(
        kind="pretraining",
        inputs=provenance["inputs"],
        recipe=json.dumps(public_recipe(provenance["recipe"])),
        recipe_digest=provenance["recipe_digest"],
        funnel=json.dumps(funnel_record(funnel)),
        stores=(store_made(run, store, SPLIT, TABLE, shards),),
        label_source=label_source,
        parts=parts,
    )
    dropping = [step.stage for step in funnel if step.stage != "sample"]
    stored = [StoredLocation(row.row, row.location_id) for row in rows]
    keep_made_from(run, told, stored, dropped_locations(run, parts, dropping))
    return write_manifest(run)
