import json

import numpy as np
import pytest
import zarr

from training.analysis.findings import Findings, MapErrors, held_out_findings, selection_at
from training.analysis.held_out import held_out_plans, see
from training.analysis.run_data import RunData
from training.analysis.runs import PretrainRun, load_network
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
    assert {(score.run, score.epoch, score.ratio) for score in found.selection} == {("both", 2, 0.5)}


def test_labels_and_networks_are_judged_by_the_same_pixels(both: PretrainRun, data: RunData, compute: Compute) -> None:
    labels, *networks = held_out_findings(both, data, compute, ratios=[0.5], patches=ALL_PATCHES).errors
    label = np.asarray(zarr.open_group(data.store.path, mode="r")["dw"])[data.split.held_out]
    truth = np.asarray(zarr.open_group(data.store.path.parent / "truth.zarr", mode="r")["truth"])[data.split.held_out]
    known = label != 255
    assert 0 < known.sum() < known.size
    assert labels.name == "both, labels (dw)"
    assert wrong(labels) == (label != truth)[known].sum()
    assert [errors.name for errors in networks] == ["both, S1", "both, S2"]
    for errors in (labels, *networks):
        assert pixels(errors, "true class") == pixels(errors, "marked class") == known.sum()
        for name in ("true class", "distance"):
            assert groups(errors, name) == groups(labels, name)


def test_a_networks_errors_are_its_own(both: PretrainRun, data: RunData, compute: Compute) -> None:
    found = held_out_findings(both, data, compute, ratios=[0.5], patches=ALL_PATCHES)
    network = load_network(both, both.last, compute)
    counted = dict.fromkeys(network.modalities, 0)
    for seen in see(network, data, held_out_plans(data, both.settings, ALL_PATCHES), both.settings, compute):
        assert seen.truth is not None
        for modality, log_p_BCHW in seen.log_p.items():
            counted[modality] += int(((log_p_BCHW.argmax(1) != seen.truth) & (seen.label != 255)).sum())
    assert {errors.name: wrong(errors) for errors in found.errors[1:]} == {
        f"both, {modality.upper()}": count for modality, count in counted.items()
    }


def test_fewer_patches_are_looked_at_where_asked(both: PretrainRun, data: RunData, compute: Compute) -> None:
    found = held_out_findings(both, data, compute, ratios=[1.0], patches=4)
    pooled = next(score for score in found.selection if score.label == ALL)
    assert 0 < pooled.pixels <= 4 * 72 * 72
    assert all(0 < pixels(errors, "true class") <= 4 * 72 * 72 for errors in found.errors)


def test_each_epoch_selects_at_its_own_ratio(both: PretrainRun, data: RunData, compute: Compute) -> None:
    for checkpoint in both.checkpoints:
        reached = ramp(checkpoint.epoch, ramp_epochs=2, shape="exp")
        scores = selection_at(both, checkpoint, data, compute, patches=ALL_PATCHES)
        assert {score.ratio for score in scores} == {selection_ratio(reached, final_ratio=0.5)}
        assert {score.epoch for score in scores} == {checkpoint.epoch}


def test_without_a_truth_nothing_is_called_wrong(both: PretrainRun, data: RunData, compute: Compute) -> None:
    found = held_out_findings(both, RunData(data.store, None, data.split), compute, ratios=[1.0], patches=4)
    assert found == Findings(found.calibration, selection=(), errors=())
    assert {calibration.against for calibration in found.calibration} == {"labels"}


def wrong(errors: MapErrors) -> int:
    return sum(rate.wrong for rate in errors.rates if rate.by == "true class")


def pixels(errors: MapErrors, by: str) -> int:
    return sum(groups(errors, by).values())


def groups(errors: MapErrors, by: str) -> dict[str, int]:
    return {rate.group: rate.pixels for rate in errors.rates if rate.by == by}
