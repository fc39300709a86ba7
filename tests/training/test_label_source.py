"""Labels other than the store's own: found by name or path, read by both readers, and told apart in records."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, Crc32cCodec

from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.layout import PretrainLayout
from training.augment import Augmentation, draw
from training.compute import choose_compute, network_inputs
from training.dataset import open_store, split_locations
from training.epoch_plan import plan_all_seasons
from training.evaluate import evaluate
from training.json_file import write_json
from training.loader import read_batches
from training.network import network_for
from training.run_record import describe_run, folder_state
from training.settings import PretrainSettings

SHAPE = (8, 4, 72, 72)


def add_labels(group: zarr.Group, name: str, values: NDArray[np.uint8]) -> zarr.Array[Any]:
    array = group.create_array(
        name,
        shape=values.shape,
        chunks=(1, *values.shape[1:]),
        shards=(4, *values.shape[1:]),
        dtype="uint8",
        fill_value=255,
        compressors=[BloscCodec(cname="lz4", shuffle="noshuffle"), Crc32cCodec()],
    )
    array[:] = values
    return array


@pytest.fixture
def added(small: tuple[Path, Path], tmp_path: Path) -> tuple[Path, NDArray[np.uint8]]:
    """A store with the labels `pl` added, and these."""
    path = tmp_path / "nol.zarr"
    shutil.copytree(small[0], path)
    values = np.random.default_rng(5).integers(0, 9, size=SHAPE, dtype=np.uint8)
    add_labels(zarr.open_group(path).create_group("labels"), "pl", values)
    return path, values


@pytest.mark.parametrize("own_reader", [True, False])
def test_batches_have_the_labels_asked_for(added: tuple[Path, NDArray[np.uint8]], own_reader: bool) -> None:
    path, values = added
    elsewhere = path.parent / "labels.zarr"
    shutil.copytree(path / "labels" / "pl", elsewhere)
    dw = np.asarray(zarr.open_array(path / "dw", mode="r")[:])
    plans = plan_all_seasons(np.arange(8), 5)
    for source, expected in (("dw", dw), ("pl", values), (str(elsewhere), values)):
        store = open_store(path, source)
        assert store.shards is not None
        if not own_reader:
            store = replace(store, shards=None)
        for plan, batch in zip(plans, read_batches(store, plans, pin=False), strict=True):
            assert np.array_equal(batch.labels, expected[plan.rows]), source


@pytest.mark.parametrize(("value", "told"), [(9, "9"), (254, "254"), (8, None), (255, None)])
def test_a_label_that_is_no_class_is_told_with_its_row(
    added: tuple[Path, NDArray[np.uint8]], value: int, told: str | None
) -> None:
    path, values = added
    values[5, 2, 40, 41] = value
    zarr.open_array(path / "labels" / "pl")[:] = values
    batches = read_batches(open_store(path, "pl"), plan_all_seasons(np.arange(8), 5), pin=False)
    if told is None:
        assert sum(len(batch.rows) for batch in batches) == 32
        return
    with pytest.raises(UsageError, match=rf"labels.pl, row 5: labels of {told}; classes are 0 to 8, and 255 is no"):
        list(batches)


@pytest.mark.parametrize("own_reader", [True, False])
def test_confidences_are_read_and_placed_as_their_labels_are(
    added: tuple[Path, NDArray[np.uint8]], own_reader: bool
) -> None:
    path, values = added
    assert open_store(path, "pl").labels.confidence is None
    with pytest.raises(ValueError, match="came without confidences"):
        next(read_batches(open_store(path, "pl"), plan_all_seasons(np.arange(8), 5), pin=False, confidence=True))
    add_labels(zarr.open_group(path / "labels"), "pl_confidence", 255 - values)
    store = open_store(path, "pl")
    store = store if own_reader else replace(store, shards=None)
    plans = plan_all_seasons(np.arange(8), 5)
    augmentation = Augmentation(crop_px=32, flip_p=0.5, rotation_p=0.5, rotation_max_deg=90)
    for plan, batch in zip(plans, read_batches(store, plans, pin=False, confidence=True), strict=True):
        assert batch.confidence is not None
        assert np.array_equal(batch.confidence, 255 - values[plan.rows])
        placement = draw(augmentation, len(plan.rows), 72, torch.Generator().manual_seed(0))
        inputs = network_inputs(batch, placement, s2_bands=13, compute=choose_compute(PretrainSettings(device="cpu")))
        assert inputs.confidence is not None
        torch.testing.assert_close(inputs.confidence * 255, 255 - inputs.label.float())
    assert all(batch.confidence is None for batch in read_batches(store, plans, pin=False))


def test_confidences_of_other_labels_are_refused(added: tuple[Path, NDArray[np.uint8]]) -> None:
    path, values = added
    array = add_labels(zarr.open_group(path / "labels"), "pl_confidence", values)
    array.attrs["content_digest"] = "sha256:of other labels"
    with pytest.raises(UsageError, match=r"pl_confidence is of another state of .*labels/pl"):
        open_store(path, "pl")


@pytest.mark.parametrize("stale", ["pl", "pl_confidence"])
def test_labels_of_another_state_of_the_store_are_refused(added: tuple[Path, NDArray[np.uint8]], stale: str) -> None:
    path, values = added
    add_labels(zarr.open_group(path / "labels"), "pl_confidence", values)
    zarr.open_array(path / "labels" / stale).attrs["store_digest"] = "sha256:then"
    open_store(path, "pl")  # a store that carries no digest is taken at its word
    zarr.open_group(path).attrs["content_digest"] = "sha256:then"
    open_store(path, "pl")
    zarr.open_group(path).attrs["content_digest"] = "sha256:now"
    with pytest.raises(UsageError, match=rf"labels/{stale} was made for another state of .*nol\.zarr; make it again"):
        open_store(path, "pl")
    open_store(path)


def test_labels_of_another_make_are_read_too(added: tuple[Path, NDArray[np.uint8]], tmp_path: Path) -> None:
    path, values = added
    plain = zarr.create_group(tmp_path / "other.zarr").create_array("l", data=values, chunks=(2, 2, 72, 72))
    assert plain.shape == SHAPE
    store = open_store(path, f"{tmp_path}/other.zarr/l")
    assert store.shards is None
    (batch,) = read_batches(store, plan_all_seasons(np.arange(2), 8), pin=False)
    assert np.array_equal(batch.labels, values[[0, 1] * 4])


def test_labels_that_are_not_there_or_do_not_fit_are_refused(added: tuple[Path, NDArray[np.uint8]]) -> None:
    path, values = added
    with pytest.raises(UsageError, match=r"label_source is 'lp', but there is no array .*labels/lp; .* has dw, pl$"):
        open_store(path, "lp")
    with pytest.raises(UsageError, match="there is no array"):
        open_store(path, "./nowhere/pl")
    group = zarr.open_group(path / "labels")
    add_labels(group, "few", values[:4])
    with pytest.raises(UsageError, match=r"few is uint8 \(4, 4, 72, 72\), but labels of .* are uint8 \(8, 4, 72, 72\)"):
        open_store(path, "few")
    (path / "labels" / "pl" / "zarr.json").write_text("{")
    with pytest.raises(NoldoError, match="labels/pl cannot be opened"):
        open_store(path, "pl")


def test_a_damaged_label_is_named(added: tuple[Path, NDArray[np.uint8]]) -> None:
    path, _ = added
    shutil.rmtree(path / "labels" / "pl" / "c" / "1")
    for store in (open_store(path, "pl"), replace(open_store(path, "pl"), shards=None)):
        with pytest.raises(NoldoError, match=r"labels: array 'pl' cannot be read at rows? [4-7]"):
            list(read_batches(store, plan_all_seasons(np.arange(8), 8), pin=False))


def test_adding_labels_leaves_the_stores_digest_as_it_was(
    small: tuple[Path, Path], added: tuple[Path, NDArray[np.uint8]]
) -> None:
    path, values = added
    before = open_store(path).digest
    add_labels(zarr.open_group(path / "labels"), "more", values)
    assert open_store(path).digest == open_store(path, "pl").digest == before
    assert open_store(path).labels.digest is None


def test_a_run_on_other_labels_or_other_content_of_them_is_another_run(
    added: tuple[Path, NDArray[np.uint8]], tiny_settings: PretrainSettings, tmp_path: Path
) -> None:
    path, _ = added
    layout = PretrainLayout(tmp_path)

    def record(source: str, settings: PretrainSettings = tiny_settings) -> dict[str, Any]:
        told = settings.model_copy(update={"label_source": source})
        return describe_run(told, open_store(path, source), choose_compute(told), groups_known=False)

    write_json(layout.record, record("pl"))
    folder_state(layout, record("pl"), against="pl", resume=False)
    with pytest.raises(UsageError, match="another label_source, labels"):
        folder_state(layout, record("dw"), against="dw", resume=False)
    zarr.open_array(path / "labels" / "pl").attrs["content_digest"] = "sha256:other"
    with pytest.raises(UsageError, match="another labels;"):
        folder_state(layout, record("pl"), against="pl", resume=False)


def test_a_record_from_before_there_was_a_choice_is_of_the_stores_own(
    small: tuple[Path, Path], tiny_settings: PretrainSettings, tmp_path: Path
) -> None:
    layout = PretrainLayout(tmp_path)
    now = describe_run(tiny_settings, open_store(small[0]), choose_compute(tiny_settings), groups_known=False)
    settings = {key: value for key, value in now["settings"].items() if key != "label_source"}
    write_json(layout.record, {key: v for key, v in now.items() if key != "labels_digest"} | {"settings": settings})
    folder_state(layout, now, against="dw", resume=False)


def test_scores_name_the_labels_that_were_learnt(
    added: tuple[Path, NDArray[np.uint8]], small: tuple[Path, Path], tiny_settings: PretrainSettings
) -> None:
    path, values = added
    store, split = open_store(path, "pl"), split_locations(8, 0.2, 0)
    network, compute = network_for(tiny_settings), choose_compute(tiny_settings)

    def score(reference: Path | None) -> dict[str, Any]:
        return evaluate(network, store, split, settings=tiny_settings, compute=compute, reference=reference).result

    truth = np.asarray(zarr.open_array(small[1] / "truth", mode="r")[:])[split.held_out]
    found = score(small[1])
    assert found["scores"]["pl_label"]["oa"] == pytest.approx((values[split.held_out] == truth).mean())
    assert "scores_against_pl" in found
    assert score(None)["against"] == "pl"
