"""The expert tiles as committed parts: the first stage, on the driver."""

from pipeline.ledger import Ledger, Outcome
from pipeline.parts import part_inputs, read_part, write_part
from pipeline.recipe import canonical_digest
from pipeline.run_directory import prune_parts
from pipeline.schema.layout import RunLayout
from pipeline.schema.tiles import ExpertTile, UnusableTile
from pipeline.tile_recipe import DwRecipe
from pipeline.tile_staging import prune_staged
from pipeline.tile_state import FILTERS, IndexedTiles, tile_parts, tiles_inputs, tiles_step


def commit_tiles(run: RunLayout, recipe: DwRecipe, indexed: IndexedTiles, ledger: Ledger) -> list[Outcome]:
    """Commit the tiles in parts, and beside them the files that are none, with the reasons."""
    ledger.begin("tiles", len(indexed.tiles))
    refused = canonical_digest([[one.file, one.reason, one.detail] for one in indexed.unusable])
    if part_inputs(run.table("unusable", 0)) != refused:
        write_part(run.table("unusable", 0), UnusableTile, indexed.unusable, refused)
    outcomes = []
    for part, tiles in tile_parts(recipe, indexed.tiles):
        path, inputs = run.table("tiles", part), tiles_inputs(recipe, indexed.digest, part)
        # The digest leaves out where the files lie; a later stage reads them by what the table says.
        made = part_inputs(path) != inputs or read_part(path, ExpertTile) != list(tiles)
        if made:
            write_part(path, ExpertTile, tiles, inputs)
        step = tiles_step(len(tiles), indexed.unusable if part == 0 else ())
        outcomes.append(Outcome("tiles", part, inputs, len(tiles), made, step=step if made else None))
        ledger.record(outcomes[-1])
    prune_parts(run, FILTERS, len(outcomes))
    prune_staged(run.staged_tile(0, "any").parent.parent, len(outcomes))
    return outcomes
