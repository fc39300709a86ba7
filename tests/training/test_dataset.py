"""Opening stores, and splitting their rows by location."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema.bands import S1_BANDS, S2_BANDS, Scaling
from pipeline.schema.errors import NoldoError, UsageError
from training.dataset import open_store, open_truth, split_locations


@given(st.integers(2, 400), st.floats(0.001, 0.9), st.integers(0, 2**32 - 1))
def test_every_row_falls_to_one_side_of_the_split(locations: int, fraction: float, seed: int) -> None:
    split = split_locations(locations, fraction, seed) if round(fraction * locations) < locations else None
    if split is None:
        return
    assert sorted([*split.train, *split.held_out]) == list(range(locations))
    assert len(split.held_out) == max(1, round(fraction * locations))


def test_the_split_follows_from_the_seed() -> None:
    first, again, other = (split_locations(50, 0.2, seed).held_out.tolist() for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_a_split_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="leaves none to train on"):
        split_locations(1, 0.5, 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=8, max_size=40), st.floats(0.01, 0.6), st.integers(0, 99))
def test_a_group_falls_to_one_side_whole(numbers: list[int], fraction: float, seed: int) -> None:
    groups = np.array([*numbers, 100, 101])
    split = split_locations(len(groups), fraction, seed, groups)
    assert sorted([*split.train, *split.held_out]) == list(range(len(groups)))
    assert not set(groups[split.train]) & set(groups[split.held_out])
    assert 1 <= len(split.held_out) <= max(1, round(fraction * len(groups)))


def test_groups_of_one_are_split_as_rows_are() -> None:
    plain, grouped = split_locations(60, 0.2, 5), split_locations(60, 0.2, 5, np.arange(60)[::-1])
    assert plain.held_out.tolist() == grouped.held_out.tolist()
    assert plain.train.tolist() == grouped.train.tolist()


def test_the_smallest_group_is_held_out_where_none_fits() -> None:
    assert split_locations(5, 0.2, 0, np.array([0, 0, 0, 1, 1])).held_out.tolist() == [3, 4]
    with pytest.raises(UsageError, match="patches overlap"):
        split_locations(4, 0.2, 0, np.zeros(4, np.int64))


def test_open_store_tells_shapes(small: tuple[Path, Path]) -> None:
    store = open_store(small[0])
    assert (store.locations, store.patch_px) == (8, 72)
    assert open_truth(small[1], store).shape == (8, 4, 72, 72)


def test_a_folder_that_is_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a training store"):
        open_store(tmp_path)


def test_a_store_without_labels_is_refused(small: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(small[0], tmp_path / "nol.zarr")
    shutil.rmtree(tmp_path / "nol.zarr" / "dw")
    with pytest.raises(UsageError, match="has no array 'dw'"):
        open_store(tmp_path / "nol.zarr")


def test_an_array_of_another_shape_is_refused(small: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(small[0], tmp_path / "nol.zarr")
    group = zarr.open_group(tmp_path / "nol.zarr")
    group.create_array("s1", data=np.zeros((8, 4, 3, 72, 72), np.uint8), overwrite=True)
    with pytest.raises(UsageError, match=r"array 's1' is uint8 \(8, 4, 3, 72, 72\), expected"):
        open_store(tmp_path / "nol.zarr")


def test_a_truth_of_another_store_is_refused(small: tuple[Path, Path], tmp_path: Path) -> None:
    zarr.create_group(tmp_path / "truth.zarr").create_array("truth", data=np.zeros((7, 4, 72, 72), np.uint8))
    with pytest.raises(UsageError, match="'truth'"):
        open_truth(tmp_path / "truth.zarr", open_store(small[0]))


def test_a_truth_of_an_earlier_state_of_the_store_is_refused(small: tuple[Path, Path], tmp_path: Path) -> None:
    for source in small:
        shutil.copytree(source, tmp_path / source.name)
    paths = [tmp_path / source.name for source in small]
    zarr.open_group(paths[0]).attrs["content_digest"] = "sha256:abc"
    open_truth(paths[1], open_store(paths[0]))
    zarr.open_group(paths[1]).attrs["content_digest"] = "sha256:abc"
    open_truth(paths[1], open_store(paths[0]))
    zarr.open_group(paths[1]).attrs["content_digest"] = "sha256:other"
    with pytest.raises(UsageError, match=r"another state of .*; delete .*truth\.zarr"):
        open_truth(paths[1], open_store(paths[0]))


def test_damaged_metadata_is_named(small: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(small[0], tmp_path / "nol.zarr")
    (tmp_path / "nol.zarr" / "s2" / "zarr.json").write_text("{")
    with pytest.raises(NoldoError, match="array 's2' cannot be opened"):
        open_store(tmp_path / "nol.zarr")


def test_the_digest_is_the_stores_own_where_it_has_one(small: tuple[Path, Path], tmp_path: Path) -> None:
    plain = open_store(small[0]).digest
    assert plain.startswith("files-sha256:")
    shutil.copytree(small[0], tmp_path / "nol.zarr")
    group = zarr.open_group(tmp_path / "nol.zarr")
    group.attrs["content_digest"] = "sha256:abc"
    assert open_store(tmp_path / "nol.zarr").digest == "sha256:abc"


def test_open_store_reads_the_scaling_that_the_arrays_state(small: tuple[Path, Path], tmp_path: Path) -> None:
    assert open_store(small[0]).scaling is None
    path = tmp_path / "scaled.zarr"
    shutil.copytree(small[0], path)
    for name, bands in (("s1", S1_BANDS), ("s2", S2_BANDS)):
        array = zarr.open_array(path, path=name, mode="r+")
        scaling = Scaling(bands, (1.5,) * len(bands), (2.0,) * len(bands), 3.0, source="own")
        array.attrs.update({"bands": list(bands), "scaling": scaling.as_attributes()})
    stated = open_store(path).scaling
    assert stated is not None
    assert (stated["s2"].mean[12], stated["s1"].clip_std, stated["s1"].source) == (1.5, 3.0, "own")
    zarr.open_array(path, path="s1", mode="r+").attrs["scaling"] = {"mean": [1], "std": [0], "clip_std": 2}
    with pytest.raises(UsageError, match="states a scaling that cannot be"):
        open_store(path)
