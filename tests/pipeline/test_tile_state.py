import shutil
from pathlib import Path

import pytest

from pipeline.schema.errors import FailureKind, UsageError
from pipeline.schema.tiles import FetchedTile, TilePair, UnusableTile
from pipeline.tile_recipe import ExpertSettings
from pipeline.tile_state import fetch_step, index_tiles, pair_step, tiles_step


def test_training_tiles_come_first_whatever_folders_are_named(expert_tiles: Path, tmp_path: Path) -> None:
    whole = index_tiles(ExpertSettings(folder=expert_tiles))
    assert [tile.split for tile in whole.tiles] == ["train"] * 6 + ["test"] * 2
    apart = index_tiles(ExpertSettings(train=expert_tiles / "Experts", test=expert_tiles / "dw_test"))
    assert [tile.tile_id for tile in apart.tiles] == [tile.tile_id for tile in whole.tiles]
    assert apart.digest == whole.digest, "content counts, not where it lies"
    shutil.copytree(expert_tiles, tmp_path / "fewer")
    next((tmp_path / "fewer").rglob("label_dw_*.tif")).unlink()
    assert index_tiles(ExpertSettings(folder=tmp_path / "fewer")).digest != whole.digest


def test_a_tile_in_both_splits_is_a_hold_out_tile(expert_tiles: Path, tmp_path: Path) -> None:
    shutil.copytree(expert_tiles / "Experts", tmp_path / "train")
    one = sorted((tmp_path / "train").rglob("*.tif"))[0]
    (tmp_path / "test").mkdir()
    shutil.copy(one, tmp_path / "test")
    found = index_tiles(ExpertSettings(train=tmp_path / "train", test=tmp_path / "test"))
    assert [tile.tile_id for tile in found.tiles if tile.split == "test"] == [one.stem]
    assert len(found.tiles) == 6
    assert [(one.reason, one.detail) for one in found.unusable] == [("in both splits", "it is a test tile too")]


@pytest.mark.parametrize("published", [False, True])
@pytest.mark.parametrize("apart", [False, True])
def test_a_hold_out_tile_is_known_by_any_of_its_names_and_in_any_folder(
    expert_tiles: Path, tmp_path: Path, apart: bool, published: bool
) -> None:
    shutil.copytree(expert_tiles / "Experts", tmp_path / "Experts")
    one = sorted((tmp_path / "Experts").rglob("*.tif"))[0]
    name = f"label_{one.stem.replace('.', 'p')}.tif" if published else one.name
    (tmp_path / "dw_test").mkdir()
    shutil.copy(one, tmp_path / "dw_test" / name)
    folders = {"train": tmp_path / "Experts", "test": tmp_path / "dw_test"} if apart else {"folder": tmp_path}
    found = index_tiles(ExpertSettings.model_validate(folders))
    assert [tile.tile_id for tile in found.tiles if tile.split == "test"] == [Path(name).stem.removeprefix("label_")]
    assert len(found.tiles) == 6
    assert [(Path(u.file).name, u.reason, u.detail) for u in found.unusable] == [
        (one.name, "in both splits", "it is a test tile too")
    ]


def test_a_folder_without_tiles_is_told_with_the_first_reason(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no tile")
    with pytest.raises(UsageError, match=r"no expert tile in .*notes\.txt: not a GeoTIFF"):
        index_tiles(ExpertSettings(folder=tmp_path))


def test_the_funnel_counts_every_tile_once() -> None:
    tiles = tiles_step(3, [UnusableTile("a", "not a GeoTIFF", ""), UnusableTile("b", "not a GeoTIFF", "")])
    assert (tiles.entered, tiles.kept, tiles.reasons) == (5, 3, (("not a GeoTIFF", 2),))
    pairs = [
        TilePair("a", s2_id="x", s1_id="y"),
        TilePair("b", reason="no S2 scene"),
        TilePair("c", failure_kind=FailureKind.TRANSIENT),
    ]
    step = pair_step(pairs)
    assert (step.entered, step.kept) == (3, 1)
    assert step.reasons == (("no S2 scene", 1), ("scenes could not be had", 1))
    fetched = [
        FetchedTile("a", True, "", "", 1.0, 1.0),
        FetchedTile("b", False, "S1 nodata", "", 1.0, 0.2),
        FetchedTile("c", False, "", "", 0.0, 0.0, FailureKind.PERMANENT),
        FetchedTile("d", False, "", "", 0.0, 0.0, FailureKind.EMPTY),
    ]
    step = fetch_step(fetched)
    assert (step.entered, step.kept) == (4, 1)
    assert dict(step.reasons) == {"S1 nodata": 1, "pixels could not be had": 1, "no pixels there": 1}
