"""The tiles' table follows the files wherever they lie, and nothing that was made from them is made again."""

from pathlib import Path

from pipeline.experts import read_expert_labels
from pipeline.ledger import Ledger
from pipeline.parts import read_part
from pipeline.schema.layout import RunLayout
from pipeline.schema.tiles import ExpertTile
from pipeline.tasks.tile_index import commit_tiles
from pipeline.tile_recipe import DwRecipe, ExpertSettings
from pipeline.tile_state import index_tiles


def test_the_same_tiles_may_be_named_by_other_folders(expert_tiles: Path, tmp_path: Path) -> None:
    run, ledger = RunLayout(tmp_path), Ledger(tmp_path / "events.jsonl", lambda _: None)
    whole = ExpertSettings(folder=expert_tiles)
    apart = ExpertSettings(train=expert_tiles / "Experts", test=expert_tiles / "dw_test")
    told = []
    for settings in (whole, whole, apart):
        recipe = DwRecipe.model_validate({"experts": settings, "source": {"kind": "emulator"}})
        (outcome,) = commit_tiles(run, recipe, index_tiles(settings), ledger)
        told.append((outcome.inputs, outcome.made))
        tiles = read_part(run.table("tiles", 0), ExpertTile)
        assert len(tiles) == 8
        for tile in tiles:
            labels = read_expert_labels(settings.folder_of(tile.split), tile)
            assert labels.shape == (tile.grid.height_px, tile.grid.width_px)
    inputs = told[0][0]
    assert told == [(inputs, True), (inputs, False), (inputs, True)]
