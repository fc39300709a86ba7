"""Label arrays on disk: counted rates, nesting over the whole store, made once, read by the fast reader."""

import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from numpy.typing import NDArray

from pipeline.schema.errors import NoldoError, UsageError
from training.dataset import open_store, open_truth
from training.epoch_plan import plan_all_seasons
from training.label_source import OWN_LABELS
from training.loader import read_batches
from training.robustness.label_arrays import LabelArray, make_label_arrays
from training.robustness.settings import BlobNoise, PlanetNoise
from training.robustness.spoil import Material, take_census

BLOBS = BlobNoise(rates=(0.1, 0.2, 0.5), blob_px=8)
PLANET = PlanetNoise(rates=(0.05, 0.1, "own"), blob_px=8)


@pytest.fixture(scope="module")
def planet(small: tuple[Path, Path]) -> Material:
    store = open_store(small[0])
    return Material(store, open_truth(small[1], store))


@pytest.fixture(scope="module")
def labels_alone(small: tuple[Path, Path]) -> Material:
    return Material(open_store(small[0]), None)


def make(noise: PlanetNoise | BlobNoise, material: Material, folder: Path) -> list[LabelArray]:
    return make_label_arrays(noise, material, folder, lambda done, total: None)


def content(array: LabelArray) -> NDArray[np.uint8]:
    return np.asarray(zarr.open_array(array.folder, mode="r")[:])


def stored(path: Path, name: str) -> NDArray[np.uint8]:
    return np.asarray(zarr.open_array(path / name, mode="r")[:])


def test_mistakes_of_the_planet_are_kept_in_the_share_asked_for(
    planet: Material, small: tuple[Path, Path], tmp_path: Path
) -> None:
    dw, truth = stored(small[0], "dw"), stored(small[1], "truth")
    made = make(PLANET, planet, tmp_path)
    assert [array.name for array in made] == ["clean", "noise-0.05", "noise-0.1", "noise-own"]
    clean, *noisy = map(content, made)
    assert np.array_equal(clean, np.where(dw == 255, 255, truth))
    assert np.array_equal(noisy[-1], dw)
    labelled = int((dw != 255).sum())
    own = ((dw != truth) & (dw != 255)).sum() / labelled
    for array, values, rate in zip(made[1:], noisy, (0.05, 0.1, own), strict=True):
        assert ((values == 255) == (dw == 255)).all()
        assert array.rate == pytest.approx((values != clean).sum() / labelled)
        assert array.rate == pytest.approx(rate, abs=2e-4)
    wrong = [values != clean for values in noisy]
    assert not (wrong[0] & ~wrong[1]).any()
    assert not (wrong[1] & ~wrong[2]).any()


def test_arrays_tell_the_state_of_the_store_that_they_were_made_for(small: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "nol.zarr"
    shutil.copytree(small[0], path)
    zarr.open_group(path).attrs["content_digest"] = "sha256:now"
    for array in make(BLOBS, Material(open_store(path), None), tmp_path / "labels"):
        assert zarr.open_array(array.folder, mode="r").attrs["store_digest"] == "sha256:now"


@pytest.mark.parametrize("transition", ["uniform", "frequency"])
def test_blobs_need_no_truth_and_reach_any_rate(
    labels_alone: Material, small: tuple[Path, Path], tmp_path: Path, transition: Any
) -> None:
    dw = stored(small[0], "dw")
    made = make(BLOBS.model_copy(update={"transition": transition}), labels_alone, tmp_path)
    clean, *noisy = map(content, made)
    assert np.array_equal(clean, dw)
    for array, values, rate in zip(made[1:], noisy, BLOBS.rates, strict=True):
        assert ((values == 255) == (dw == 255)).all()
        assert array.rate == pytest.approx((values != dw).sum() / (dw != 255).sum())
        assert array.rate == pytest.approx(rate, abs=1e-3)
    for low, high in pairwise(noisy):
        assert (high[low != dw] == low[low != dw]).all()
    if transition == "frequency":
        assert set(np.unique(noisy[-1])) <= set(np.unique(dw))


def test_only_the_seed_decides_where_and_a_rate_does_not_depend_on_the_others(
    labels_alone: Material, tmp_path: Path
) -> None:
    alone = BLOBS.model_copy(update={"rates": (0.2,)})
    other = alone.model_copy(update={"seed": 1})
    together, again, differing = (
        make(noise, labels_alone, tmp_path / str(number)) for number, noise in enumerate((BLOBS, alone, other))
    )
    assert np.array_equal(content(together[2]), content(again[1]))
    assert not np.array_equal(content(again[1]), content(differing[1]))


def test_arrays_that_are_there_are_not_made_again_and_new_rates_join_them(
    labels_alone: Material, tmp_path: Path
) -> None:
    first = make(BLOBS.model_copy(update={"rates": (0.2,)}), labels_alone, tmp_path)
    before = [array.folder.stat().st_ino for array in first]
    told: list[tuple[int, int]] = []
    more = make_label_arrays(BLOBS, labels_alone, tmp_path, lambda done, total: told.append((done, total)))
    assert told[-1] == (8, 8)
    assert [array.folder.stat().st_ino for array in more if array.name in ("clean", "noise-0.2")] == before
    told.clear()
    assert make_label_arrays(BLOBS, labels_alone, tmp_path, lambda done, total: told.append((done, total))) == more
    assert told == []


def test_arrays_of_other_noise_are_not_overwritten(labels_alone: Material, tmp_path: Path) -> None:
    make(BLOBS, labels_alone, tmp_path)
    with pytest.raises(UsageError, match=r"clean was made with other noise .* another --out, or delete"):
        make(BLOBS.model_copy(update={"blob_px": 9}), labels_alone, tmp_path)


def test_an_array_that_was_cut_short_is_made_again(
    labels_alone: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_label_arrays(BLOBS, labels_alone, tmp_path, stop)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".clean.123.partial").mkdir()
    make(BLOBS, labels_alone, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clean", "noise-0.1", "noise-0.2", "noise-0.5"]


def test_the_fast_reader_reads_them_and_the_store_is_as_it_was(
    labels_alone: Material, small: tuple[Path, Path], tmp_path: Path
) -> None:
    before = {p: p.stat().st_mtime_ns for p in small[0].rglob("*")}
    array = make(BLOBS, labels_alone, tmp_path)[1]
    store = open_store(small[0], str(array.folder))
    assert store.shards is not None
    assert store.labels.digest is not None
    assert store.labels.digest.startswith("sha256:")
    assert store.digest == labels_alone.store.digest
    assert {p: p.stat().st_mtime_ns for p in small[0].rglob("*")} == before


def test_a_location_without_any_label_is_read_too(
    labels_alone: Material, small: tuple[Path, Path], tmp_path: Path
) -> None:
    dw = stored(small[0], "dw")
    dw[5] = 255
    zarr.create_array(tmp_path / "gap", data=dw)
    material = replace(labels_alone, store=open_store(small[0], str(tmp_path / "gap")))
    noisy = make(BLOBS, material, tmp_path / "made")[1]
    store = open_store(small[0], str(noisy.folder))
    (batch,) = read_batches(store, plan_all_seasons(np.array([5]), 8), pin=False)
    assert (batch.labels == 255).all()


def test_more_mistakes_than_the_planet_makes_are_refused(planet: Material, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"noise.rates has 0.9, but .*nol.zarr's labels are wrong at 0\.[12]\d+ of"):
        make(PlanetNoise(rates=(0.1, 0.9)), planet, tmp_path)
    assert not list(tmp_path.glob("*"))


def test_where_nothing_is_labelled_there_is_nothing_to_spoil(
    labels_alone: Material, small: tuple[Path, Path], tmp_path: Path
) -> None:
    none = zarr.create_array(tmp_path / "none", data=np.full((8, 4, 72, 72), 255, np.uint8))
    assert none.shape == (8, 4, 72, 72)
    store = open_store(small[0], str(tmp_path / "none"))
    with pytest.raises(NoldoError, match=r"no pixel of .* has a label"):
        take_census(replace(labels_alone, store=store))


def test_what_either_does_not_know_is_unknown_in_both(small: tuple[Path, Path], tmp_path: Path) -> None:
    truth = stored(small[1], "truth")
    truth[:, :, 10] = 255
    zarr.create_array(tmp_path / "t", data=truth)
    store = open_store(small[0], OWN_LABELS)
    material = Material(store, open_store(small[0], str(tmp_path / "t")).labels.array)
    labels, clean = material.read(np.arange(2))
    assert ((labels == 255) == (clean == 255)).all()
    assert (labels[:, :, 10] == 255).all()
