import numpy as np
import pytest

from pipeline.schema.landcover import IGNORE
from training.analysis.figures.mask_history import draw_mask_history
from training.analysis.mask_history import EpochMasks, mask_history
from training.analysis.masks import masked_patches
from training.analysis.run_data import RunData
from training.analysis.runs import PretrainRun, load_network
from training.compute import Compute


@pytest.fixture(scope="module")
def history(both: PretrainRun, data: RunData, compute: Compute) -> list[EpochMasks]:
    return mask_history(both, data, compute, count=2)


def test_the_selection_tightens_from_all_to_the_final_ratio(both: PretrainRun, history: list[EpochMasks]) -> None:
    assert [masks.epoch for masks in history] == [checkpoint.epoch for checkpoint in both.checkpoints]
    ratios = [masks.ratio for masks in history]
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[0] > 0.99
    selected = []
    for masks in history:
        known = np.stack([patch.label != IGNORE for patch in masks.patches])
        weight = np.stack([patch.masks["s2"].weight for patch in masks.patches])
        selected.append((weight[known] >= 1).mean())
    assert selected[0] > 0.95
    assert selected[-1] == pytest.approx(ratios[-1], abs=0.1)


def test_every_epoch_shows_the_same_patches(history: list[EpochMasks]) -> None:
    places = [[(patch.row, patch.season) for patch in masks.patches] for masks in history]
    assert all(place == places[0] for place in places)


def test_at_the_ramps_end_masks_are_those_of_the_whole_run(
    both: PretrainRun, data: RunData, compute: Compute, history: list[EpochMasks]
) -> None:
    assert both.last.epoch >= both.settings.objective.ramp_epochs
    whole = masked_patches(load_network(both, both.last, compute), data, both.settings, compute, count=2)
    for patch, expected in zip(history[-1].patches, whole, strict=True):
        np.testing.assert_array_equal(patch.masks["s1"].weight, expected.masks["s1"].weight)


def test_the_figure_has_a_column_for_every_epoch(history: list[EpochMasks]) -> None:
    figure = draw_mask_history(history)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles[:3] == ["image", "noisy label", "label wrong\n(black)"]
    assert [title.split("\n")[0] for title in titles[3:]] == [f"w, epoch {masks.epoch}" for masks in history]
