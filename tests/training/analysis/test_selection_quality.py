import math

import numpy as np
import pytest
import torch

from pipeline.schema.landcover import DW_CLASSES
from training.analysis.held_out import Seen
from training.analysis.selection_quality import ALL, SelectionCounts


def batch(seed: int, *, with_truth: bool = True) -> Seen:
    generator = torch.Generator().manual_seed(seed)
    label = torch.randint(0, 3, (2, 10, 10), generator=generator).byte()
    truth = torch.where(torch.rand(label.shape, generator=generator) < 0.7, label, (label + 1) % 3)
    confidence = torch.rand(label.shape, generator=generator) * (0.5 + 0.5 * (label == truth))
    label[:, 0] = 255
    truth[:, 1] = 255
    return Seen({}, {"s2": confidence}, label, truth if with_truth else None)


def brute_selected(seen: Seen, ratio: float) -> np.ndarray:
    """The floor(ratio * n) most confident pixels of each class, and those that tie with the last of them."""
    label, confidence = seen.label.numpy(), seen.support["s2"].numpy()
    selected = np.zeros(label.shape, bool)
    for code in range(3):
        mine = label == code
        count = math.floor(np.float32(ratio) * np.float32(mine.sum()))
        threshold = np.sort(confidence[mine])[::-1][count - 1] if count else -np.inf
        selected |= mine & (confidence >= threshold)
    return selected


@pytest.mark.parametrize("ratio", [1.0, 0.7, 0.25])
def test_scores_are_those_of_sorting_by_hand(ratio: float) -> None:
    batches = [batch(seed) for seed in range(3)]
    counts = SelectionCounts([ratio])
    for seen in batches:
        counts.add(seen)
    found = {score.label: score for score in counts.scores()}
    label = np.concatenate([seen.label.numpy() for seen in batches])
    truth = np.concatenate([seen.truth.numpy() for seen in batches if seen.truth is not None])
    selected = np.concatenate([brute_selected(seen, ratio) for seen in batches])
    known, right = (label != 255) & (truth != 255), label == truth
    groups = {ALL: known, **{DW_CLASSES[code].name: known & (label == code) for code in range(3)}}
    assert found.keys() == groups.keys()
    for name, mine in groups.items():
        score = found[name]
        assert score.pixels == mine.sum()
        assert score.selected == pytest.approx(selected[mine].mean())
        assert score.right == pytest.approx(right[mine].mean())
        assert score.precision == pytest.approx(right[mine & selected].mean())
        assert score.recall == pytest.approx(selected[mine & right].mean())
        assert score.wrong_kept == pytest.approx(selected[mine & ~right].mean())


def test_everything_is_selected_at_ratio_1() -> None:
    counts = SelectionCounts([1.0])
    counts.add(batch(0))
    pooled = counts.scores()[0]
    assert (pooled.selected, pooled.recall, pooled.wrong_kept) == (1.0, 1.0, 1.0)
    assert pooled.precision == pooled.right


def test_without_a_truth_nothing_counts() -> None:
    counts = SelectionCounts([0.5])
    counts.add(batch(0, with_truth=False))
    assert counts.scores() == []
