"""The manifest of a downstream data set: what it is made from is kept, then it is written like any other."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.funnel_step import FunnelStep
from pipeline.manifest.funnel_file import funnel_record
from pipeline.manifest.made_from import MadeFrom, StoreMade, dropped_table, keep_made_from
from pipeline.manifest.provenance import public_recipe
from pipeline.manifest.tile_index import TileStore, stored_tiles
from pipeline.manifest.tile_sets import TileSet
from pipeline.manifest.write import ManifestRecord, write_manifest
from pipeline.schema.layout import RunLayout
from pipeline.schema.tiles import DroppedTile, TilePair


def write_tile_manifest(
    run: RunLayout,
    described: TileSet,
    stores: Sequence[TileStore],
    made: Sequence[StoreMade],
    *,
    pairs: Sequence[TilePair],
    dropped: Sequence[DroppedTile],
    funnel: Sequence[FunnelStep],
    provenance: Mapping[str, Any],
    copied: Sequence[str] = (),
) -> ManifestRecord:
    """Describe finished stores in run.manifest, which is replaced whole, as write_manifest says.

    `made` says of each store where the records of its shards are; `pairs` may hold more than was stored. `provenance`
    has 'recipe' (plain data, defaults filled in), 'recipe_digest', 'inputs' (the digest to be asked for with
    `is_written`) and, where the recipe has no 'source' of its own, 'source' (see provenance_record). `copied` are
    further tables of the run that are published. Raises NoldoError where a store cannot be read or is not the one that
    its records describe.
    """
    recipe = {"source": provenance.get("source"), **provenance["recipe"]}
    told = MadeFrom(
        kind=described.kind,
        inputs=provenance["inputs"],
        recipe=json.dumps(public_recipe(recipe)),
        recipe_digest=provenance["recipe_digest"],
        funnel=json.dumps(funnel_record(funnel)),
        stores=tuple(made),
        label_source=described.label_source,
        copied=tuple(copied),
    )
    keep_made_from(run, told, list(stored_tiles(stores, pairs)), dropped_table(dropped))
    return write_manifest(run)
