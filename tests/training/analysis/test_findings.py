import json

import numpy as np
import pytest
import zarr

from training.analysis.findings import held_out_findings, label_errors, selection_at
from training.analysis.run_data import RunData
from training.analysis.runs import PretrainRun
from training.analysis.selection_quality import ALL
from training.compute import Compute
from training.ramp import ramp, selection_ratio

ALL_PATCHES = 512


def test_they_agree_with_the_runs_own_scores(both: PretrainRun, data: RunData, compute: Compute) -> None:
    found = held_out_findings(both, data, compute, ratios=[0.5], patches=ALL_PATCHES)
    result = json.loads((both.folder / "result.json").read_text())
    for calibration in found.calibration:
        scored = result["scores" if calibration.against == "truth" else "scores_against_dw"]
        own = scored[f"network_{calibration.modality}"]
        right = sum((b.accuracy or 0.0) * b.pixels for b in calibration.bins)
        assert calibration.pixels == own["pixels"]
        assert right / calibration.pixels == pytest.approx(own["oa"], abs=1e-4)
    for errors in found.errors:
        modality = errors.name.removeprefix("both, ").lower()
        by_class = [rate for rate in errors.rates if rate.by == "true class"]
        wrong = sum(rate.wrong for rate in by_class) / sum(rate.pixels for rate in by_class)
        assert 1.0 - wrong == pytest.approx(result["scores"][f"network_{modality}"]["oa"], abs=1e-4)
    assert {(score.run, score.epoch, score.ratio) for score in found.selection} == {("both", 2, 0.5)}


def test_the_labels_errors_are_those_of_the_store(data: RunData) -> None:
    errors = label_errors(data, ALL_PATCHES)
    label = np.asarray(zarr.open_group(data.store.path, mode="r")["dw"])
    truth = np.asarray(zarr.open_group(data.store.path.parent / "truth.zarr", mode="r")["truth"])
    known = label != 255
    by_class = [rate for rate in errors.rates if rate.by == "marked class"]
    assert errors.name == "labels (dw)"
    assert sum(rate.pixels for rate in by_class) == known.sum()
    assert sum(rate.wrong for rate in by_class) == (label != truth)[known].sum()


def test_fewer_patches_are_looked_at_where_asked(both: PretrainRun, data: RunData, compute: Compute) -> None:
    found = held_out_findings(both, data, compute, ratios=[1.0], patches=4)
    pooled = next(score for score in found.selection if score.label == ALL)
    assert 0 < pooled.pixels <= 4 * 72 * 72
    assert sum(rate.pixels for rate in label_errors(data, 4).rates if rate.by == "true class") <= 4 * 72 * 72


def test_each_epoch_selects_at_its_own_ratio(both: PretrainRun, data: RunData, compute: Compute) -> None:
    for checkpoint in both.checkpoints:
        reached = ramp(checkpoint.epoch, ramp_epochs=2, shape="exp")
        scores = selection_at(both, checkpoint, data, compute, patches=ALL_PATCHES)
        assert {score.ratio for score in scores} == {selection_ratio(reached, final_ratio=0.5)}
        assert {score.epoch for score in scores} == {checkpoint.epoch}


def test_without_a_truth_no_label_is_wrong(data: RunData) -> None:
    with pytest.raises(ValueError, match="without a truth"):
        label_errors(RunData(data.store, None, data.split), 4)
