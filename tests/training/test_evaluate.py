"""Scores are of whole patches, over all seasons of the held-out locations."""

from pathlib import Path

import numpy as np
import pytest
import torch
import zarr
from numpy.typing import NDArray
from torch import Tensor

from pipeline.schema.errors import NoldoError
from training.compute import choose_compute
from training.dataset import Split, TrainingStore, open_store, split_locations
from training.epoch_plan import in_batches
from training.evaluate import Evaluation, evaluate, examine, label_counts
from training.loader import read_batches
from training.modality import MODALITIES, Modality
from training.segmenter import Segmenter
from training.settings import ObjectiveSettings, PretrainSettings

SETTINGS = PretrainSettings(device="cpu", batch_size=5, objective=ObjectiveSettings(final_ratio=0.5, select=False))


Coded = tuple[TrainingStore, Path, NDArray[np.uint8], NDArray[np.uint8]]
"""A store, the path of its truth, the truth and the labels."""


class Oracle(Segmenter):
    """Predicts by a band: S2's first decides, S1 always says class 1; wants sides that are multiples of 32."""

    modalities = MODALITIES

    def forward(self, s1_BCHW: Tensor, s2_BCHW: Tensor) -> dict[Modality, Tensor]:
        assert s2_BCHW.shape[-1] % 32 == 0
        assert s2_BCHW.shape[-2] % 32 == 0
        code_BHW = (s2_BCHW[:, 0] * 255).round()
        s2 = torch.stack([-(code_BHW - c).abs() for c in range(9)], dim=1)
        s1 = torch.zeros_like(s2)
        s1[:, 1] = 1.0
        return {"s1": s1, "s2": s2}


@pytest.fixture
def coded(tmp_path: Path) -> Coded:
    """A store of 6 locations of 40 px whose first S2 band is the truth; a quarter of each label map is wrong."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, size=(6, 4, 40, 40), dtype=np.uint8)
    dw = truth.copy()
    dw[:, :, :20, :20] = (truth[:, :, :20, :20] + 1) % 3
    dw[:, 0, 39] = 255
    s2 = np.zeros((6, 4, 13, 40, 40), np.uint8)
    s2[:, :, 0] = truth
    store = zarr.create_group(tmp_path / "nol.zarr", zarr_format=3)
    for name, values in {"s1": np.ones((6, 4, 2, 40, 40), np.uint8), "s2": s2, "dw": dw}.items():
        store.create_array(name, data=values, chunks=(1, *values.shape[1:]))
    zarr.create_group(tmp_path / "truth.zarr", zarr_format=3).create_array("truth", data=truth)
    return open_store(tmp_path / "nol.zarr"), tmp_path / "truth.zarr", truth, dw


def run(coded: Coded, reference: Path | None) -> tuple[Split, Evaluation]:
    store = coded[0]
    split = split_locations(6, 0.34, 0)
    return split, evaluate(
        Oracle(), store, split, settings=SETTINGS, compute=choose_compute(SETTINGS), reference=reference
    )


def test_scores_against_the_truth(coded: Coded) -> None:
    _, reference, truth, dw = coded
    split, found = run(coded, reference)
    held_out = truth[split.held_out]
    table = found.result["scores"]
    assert found.result["against"] == "truth"
    assert table["network_s2"]["oa"] == table["network_s2"]["miou"] == 1.0
    assert table["network_s2"]["pixels"] == held_out.size
    assert table["network_s1"]["oa"] == pytest.approx((held_out == 1).mean())
    assert table["network_s1"]["per_class_recall"][:4] == (0.0, 1.0, 0.0, None)
    training = dw[split.train]
    majority = int(np.bincount(training[training != 255]).argmax())
    assert table["majority_class"]["class"] == majority
    assert table["majority_class"]["oa"] == pytest.approx((held_out == majority).mean())
    labelled = dw[split.held_out] != 255
    assert table["dw_label"]["pixels"] == labelled.sum()
    assert table["dw_label"]["oa"] == pytest.approx((dw[split.held_out] == held_out)[labelled].mean())
    assert found.result["scores_against_dw"]["network_s2"]["oa"] == pytest.approx(table["dw_label"]["oa"])


def test_an_all_knowing_network_tells_right_labels_from_wrong_ones(coded: Coded) -> None:
    found = run(coded, coded[1])[1].result
    assert found["confidence_auc"]["s2"] == pytest.approx(1.0)
    assert found["confidence_auc"]["per_class"]["s2"][:3] == [pytest.approx(1.0)] * 3
    assert found["confidence_auc"]["per_class"]["s2"][3:] == [None] * 6
    assert found["selection_auc"]["s2"] > 0.99


def test_without_a_truth_the_labels_are_the_measure(coded: Coded) -> None:
    split, found = run(coded, None)
    assert found.result["against"] == "dw"
    assert "dw_label" not in found.result["scores"]
    assert "selection_auc" not in found.result
    dw = coded[3][split.held_out]
    assert found.result["scores"]["network_s2"]["pixels"] == (dw != 255).sum()
    assert "truth" not in found.masks


def test_masks_are_of_held_out_locations_first(coded: Coded) -> None:
    _, reference, truth, dw = coded
    split, found = run(coded, reference)
    rows, seasons = found.masks["location_row"], found.masks["season"]
    assert rows[: len(split.held_out)].tolist() == split.held_out.tolist()
    held_out = found.masks["held_out"]
    assert held_out.dtype == bool
    assert rows[held_out].tolist() == split.held_out.tolist()
    assert set(rows[~held_out].tolist()) <= set(split.train.tolist())
    assert len(rows) == len(set(rows.tolist())) == 6
    assert np.array_equal(found.masks["label"], dw[rows, seasons])
    assert np.array_equal(found.masks["truth"], truth[rows, seasons])
    assert np.array_equal(found.masks["prediction_s2"], truth[rows, seasons])
    assert np.array_equal(found.masks["s2"][:, 0], truth[rows, seasons])
    assert found.masks["weight_s2"].dtype == np.float16
    assert found.masks["weight_s2"][found.masks["label"] == 255].max() == 0
    labelled = found.masks["label"] != 255
    assert 0.5 <= (found.masks["weight_s2"][labelled] == 1).mean() < 1


def test_a_patch_is_mirrored_around_not_shifted(coded: Coded) -> None:
    store, _, truth, _ = coded
    (plan,) = in_batches(np.array([2, 4]), np.array([1, 3]), 2)
    (batch,) = read_batches(store, [plan], pin=False)
    seen = examine(Oracle(), batch, settings=SETTINGS, compute=choose_compute(SETTINGS))
    assert np.array_equal(seen.prediction["s2"], truth[[2, 4], [1, 3]])


def test_label_counts_leave_out_the_unlabelled(coded: Coded) -> None:
    store, _, _, dw = coded
    chosen = dw[[1, 3, 5]]
    expected = np.bincount(chosen[chosen != 255], minlength=9)
    assert label_counts(store, np.array([1, 3, 5]), 2).tolist() == expected.tolist()


def test_a_reference_without_a_true_class_is_named_and_not_passed_over(coded: Coded) -> None:
    zarr.open_array(coded[1] / "truth", mode="r+")[:] = 255
    with pytest.raises(NoldoError, match="no pixel of the held-out locations has a true class"):
        run(coded, coded[1])


@pytest.mark.parametrize("with_truth", [False, True])
def test_held_out_locations_without_a_label_are_named(coded: Coded, with_truth: bool) -> None:
    store = coded[0]
    zarr.open_array(store.path / "dw", mode="r+")[:] = 255
    with pytest.raises(NoldoError, match="no pixel of the held-out locations has a label,"):
        run((open_store(store.path), *coded[1:]), coded[1] if with_truth else None)


def test_what_lies_under_missing_labels_counts_against_the_truth_only(coded: Coded) -> None:
    store, reference, _, dw = coded
    before = run(coded, reference)[1].result
    s2 = zarr.open_array(store.path / "s2", mode="r+")
    s2[:, :, 0] = np.where(dw == 255, 7, s2[:, :, 0])
    after = run((open_store(store.path), *coded[1:]), reference)[1].result
    for part in ("scores_against_dw", "selection_auc", "confidence_auc"):
        assert after[part] == before[part]
    assert after["scores"]["dw_label"] == before["scores"]["dw_label"]
    assert after["scores"]["network_s2"]["oa"] < before["scores"]["network_s2"]["oa"]


class OpticalOnly(Oracle):
    """The oracle of Sentinel-2 alone."""

    modalities = ("s2",)

    def forward(self, s1_BCHW: Tensor, s2_BCHW: Tensor) -> dict[Modality, Tensor]:
        return {"s2": super().forward(s1_BCHW, s2_BCHW)["s2"]}


def test_one_modality_is_scored_and_weighed_by_itself(coded: Coded) -> None:
    store, reference, truth, _ = coded
    compute, split = choose_compute(SETTINGS), split_locations(6, 0.34, 0)
    found = evaluate(OpticalOnly(), store, split, settings=SETTINGS, compute=compute, reference=reference)
    assert found.result["scores"].keys() == {"network_s2", "majority_class", "dw_label"}
    assert found.result["scores"]["network_s2"]["oa"] == 1.0
    assert found.result["selection_auc"].keys() == {"s2", "per_class"}
    assert found.result["confidence_auc"]["s2"] == pytest.approx(1.0)
    (batch,) = read_batches(store, in_batches(np.array([0]), np.array([1]), 1), pin=False)
    seen = examine(OpticalOnly(), batch, settings=SETTINGS, compute=compute)
    own_p = torch.stack([torch.softmax(-(torch.arange(9.0) - c).abs(), dim=0)[c] for c in range(9)])
    right = torch.from_numpy(truth[0, 1].astype(np.int64))
    agreed = seen.label[0] == right
    assert seen.confidence.keys() == {"s2"}
    torch.testing.assert_close(seen.confidence["s2"][0][agreed], own_p[right][agreed])


def test_soft_labels_are_supported_by_their_expected_probability(coded: Coded) -> None:
    """Half the probability on the label and half on class 8, which the oracle hardly believes in."""
    store, _, _, dw = coded
    share = 0.5 * (dw[:, :, None] == np.arange(9)[:, None, None]) + 0.5 * (np.arange(9) == 8)[:, None, None]
    stored = (255 * share * (dw != 255)[:, :, None]).astype(np.uint8)
    zarr.open_group(store.path, mode="a").create_array("dw_prob", data=stored, chunks=(1, 1, *stored.shape[2:]))
    store = open_store(store.path)
    soft = SETTINGS.model_copy(update={"objective": ObjectiveSettings(labels="soft")})
    plan = in_batches(np.array([1, 2]), np.array([2, 2]), 2)
    (batch,) = read_batches(store, plan, pin=False, probabilities=True)
    found = {
        s.objective.labels: examine(Oracle(), batch, settings=s, compute=choose_compute(s)) for s in (SETTINGS, soft)
    }
    labelled = found["hard"].label != 255
    assert torch.equal(found["soft"].prediction["s2"], found["hard"].prediction["s2"])
    ratio = found["soft"].confidence["s1"][labelled] / found["hard"].confidence["s1"][labelled]
    assert 0.2 < float(ratio.min()) < 0.6
    assert float(ratio.max()) < 1.0
    assert not found["soft"].confidence["s1"][~labelled].any()
