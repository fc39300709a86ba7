"""The published layouts become an index; every file that is no tile is told with its reason, and changes nothing."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from pipeline.experts import index_experts, read_expert_labels
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.landcover import IGNORE

TRAIN = "Experts/WH/1/dw_-63.0520936842_-17.5127385402-20190704.tif"
TEST = "dw_test/dw_release_labels/label_dw_-0p6481384406_6p8231873947-20190226.tif"


def write(path: Path, values: np.ndarray, epsg: int = 32720, names: tuple[str, ...] = ()) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    stack = values[None] if values.ndim == 2 else values
    transform = Affine(10.0, 0.0, 499_980.0, 0.0, -10.0, 8_000_010.0)
    with rasterio.open(
        path, "w", driver="GTiff", count=len(stack), height=stack.shape[1], width=stack.shape[2],
        dtype=stack.dtype, crs=f"EPSG:{epsg}", transform=transform,
    ) as out:  # fmt: skip
        out.write(stack)
        for number, name in enumerate(names, 1):
            out.set_band_description(number, name)
    return path


def labels(side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 11, (side, side), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / TRAIN, labels(510))
    write(tmp_path / TEST, np.stack([labels(512, 1) % 9, labels(512, 1)]), 32630, ("label", "lulc"))
    return tmp_path


def test_both_published_layouts_are_indexed(folder: Path) -> None:
    (test, train), unusable = index_experts(folder)
    assert unusable == []
    assert (train.split, train.file, train.hemisphere, train.biome) == ("train", TRAIN, "WH", "1")
    assert train.tile_id == "dw_-63.0520936842_-17.5127385402-20190704"
    assert train.day == datetime(2019, 7, 4, tzinfo=UTC)
    assert train.grid == PixelGrid(32720, 499_980.0, 8_000_010.0, 510, 510)
    assert (test.split, test.hemisphere, test.biome) == ("test", "", "")
    assert test.tile_id == "dw_-0p6481384406_6p8231873947-20190226"
    assert test.grid == PixelGrid(32630, 499_980.0, 8_000_010.0, 512, 512)
    counts = np.bincount(labels(510).ravel(), minlength=11)
    assert train.class_count == tuple(counts[1:10])
    assert train.ignored == counts[0] + counts[10]
    experts = labels(512, 1)
    assert np.array_equal(read_expert_labels(folder, test)[experts % 10 > 0], experts[experts % 10 > 0] - 1)
    assert (read_expert_labels(folder, test)[experts % 10 == 0] == IGNORE).all()


@pytest.mark.parametrize(
    ("path", "side", "split", "region"),
    [
        ("Experts/Western_Hemisphere/4/dw_1_2-20190101.tif", 510, "train", ("Western_Hemisphere", "4")),
        ("EH/10/dw_1.5_2.5-20190101.tif", 512, "train", ("EH", "10")),
        ("experts/dw_test/dw_1.5_2.5-20190101.tif", 510, "test", ("", "")),
        ("expert_consensus/dw_1.5_2.5-20190101.tif", 510, "test", ("", "")),
        ("label_dw_1p5_2p5-20190101.tif", 510, "test", ("", "")),
        ("flat/dw_1.5_2.5-20190101.tif", 510, "train", ("", "")),
        ("dw_1.5_2.5-20190101.tif", 512, "test", ("", "")),
    ],
)
def test_the_layout_says_the_split_unless_the_recipe_does(
    tmp_path: Path, path: str, side: int, split: str, region: tuple[str, str]
) -> None:
    write(tmp_path / path, labels(side))
    (tile,), _ = index_experts(tmp_path)
    assert (tile.split, (tile.hemisphere, tile.biome)) == (split, region)
    (named,), _ = index_experts(tmp_path, "test" if split == "train" else "train")
    assert named.split != split


def test_the_folder_may_be_named_at_any_depth(folder: Path) -> None:
    for part in ("Experts", "Experts/WH"):
        (tile,), _ = index_experts(folder / part)
        assert (tile.split, tile.hemisphere, tile.biome) == ("train", "WH", "1")


def test_every_other_file_is_told_with_a_reason_and_the_rest_goes_on(folder: Path) -> None:
    write(folder / "Experts/WH/1/dw_1.5_2.5-20190704.tif", np.zeros((510, 510), np.uint8))
    write(folder / "Experts/WH/1/dw_1.5_2.6-20190704.tif", np.full((510, 510), 12, np.uint8))
    write(folder / "Experts/WH/1/dw_1.5_2.7-20190704.tif", np.full((4, 510, 510), 3, np.uint8))
    write(folder / "Non_expert/EH/1/dw_1.5_2.8-20190704.tif", labels(510))
    (folder / "Experts/WH/1/tile.tif").write_bytes(b"II*")
    (folder / "Experts/WH/1/dw_1.5_2.9-20191301.tif").write_bytes(b"II*")
    (folder / "dw_test/probs_dw_-0p6481384406_6p8231873947-20190226.tif").write_bytes(b"II*")
    (folder / "README.txt").write_text("Dynamic World")
    tiles, unusable = index_experts(folder)
    assert len(tiles) == 2
    assert [one.file for one in unusable] == sorted(one.file for one in unusable)
    assert {Path(one.file).name: one.reason for one in unusable} == {
        "dw_1.5_2.5-20190704.tif": "nothing labelled",
        "dw_1.5_2.6-20190704.tif": "unknown class",
        "dw_1.5_2.7-20190704.tif": "no band of labels",
        "dw_1.5_2.8-20190704.tif": "not by experts",
        "tile.tif": "no place and date in the name",
        "dw_1.5_2.9-20191301.tif": "no place and date in the name",
        "probs_dw_-0p6481384406_6p8231873947-20190226.tif": "not by experts",
        "README.txt": "not a GeoTIFF",
    }


def test_a_copied_tile_counts_once_and_two_that_differ_not_at_all(folder: Path) -> None:
    copy, other = folder / "copy" / Path(TRAIN).name, folder / "other" / Path(TEST).name
    for path in (copy, other):
        path.parent.mkdir()
    shutil.copy(folder / TRAIN, copy)
    write(other, labels(512, 5))
    (tile,), unusable = index_experts(folder)
    assert tile.file == TRAIN
    assert {one.file: one.reason for one in unusable} == dict.fromkeys(
        [copy.relative_to(folder).as_posix(), other.relative_to(folder).as_posix(), TEST], "doubled id"
    )
    assert f"the same as {TRAIN}" in next(one.detail for one in unusable if one.file.startswith("copy"))


def test_one_place_and_day_under_both_spellings_is_one_tile(folder: Path) -> None:
    dotted = folder / "dw_test" / "label_dw_-0.6481384406_6.8231873947-20190226.tif"
    write(dotted, labels(512, 5))
    (tile,), unusable = index_experts(folder)
    assert tile.file == TRAIN
    assert {one.file: one.reason for one in unusable} == dict.fromkeys(
        [dotted.relative_to(folder).as_posix(), TEST], "doubled id"
    )


def test_a_tile_that_changed_since_it_was_indexed_is_not_read(folder: Path) -> None:
    tile = next(t for t in index_experts(folder)[0] if t.split == "train")
    write(folder / TRAIN, labels(510, 9))
    with pytest.raises(NoldoError, match="not the file that was indexed"):
        read_expert_labels(folder, tile)
    (folder / TRAIN).unlink()
    with pytest.raises(NoldoError, match="cannot be read"):
        read_expert_labels(folder, tile)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no folder"):
        index_experts(tmp_path / "nowhere")
