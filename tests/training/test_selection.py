import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from training.objective import Objective
from training.ramp import ramp, selection_ratio
from training.selection import class_thresholds, consistency_weights, segmentation_weights

CLASSES = 5


def random_case(seed: int, *, ignored: float = 0.2) -> tuple[Tensor, Tensor]:
    """Return confidences without ties, (2, 7, 9), and labels of skewed classes, some of them missing."""
    rng = np.random.default_rng(seed)
    confidence = rng.permutation(126).astype(np.float32) / 126
    label = np.minimum(rng.geometric(0.4, 126) - 1, CLASSES - 1).astype(np.uint8)
    label[rng.random(126) < ignored] = 255
    return torch.from_numpy(confidence.reshape(2, 7, 9)), torch.from_numpy(label.reshape(2, 7, 9))


def selected(ratio: float, count: int) -> int:
    return int(np.float32(ratio) * np.float32(count))


seeds = st.integers(0, 2**31)
ratios = st.floats(0.01, 1.0)


@settings(deadline=None, max_examples=60)
@given(seeds, ratios)
def test_threshold_is_the_kth_largest_confidence_of_its_class(seed: int, ratio: float) -> None:
    confidence_BHW, label_BHW = random_case(seed)
    tau_C = class_thresholds(confidence_BHW, label_BHW, ratio=ratio, classes=CLASSES)
    for c in range(CLASSES):
        of_class = confidence_BHW[label_BHW == c].sort(descending=True).values
        k = selected(ratio, len(of_class))
        assert tau_C[c] == (of_class[k - 1] if k > 0 else 0.0)


@settings(deadline=None, max_examples=60)
@given(seeds, ratios)
def test_each_class_keeps_its_share_at_full_weight(seed: int, ratio: float) -> None:
    confidence_BHW, label_BHW = random_case(seed)
    weight_BHW = segmentation_weights(confidence_BHW, label_BHW, ratio=ratio, classes=CLASSES)
    assert ((weight_BHW >= 0) & (weight_BHW <= 1)).all()
    assert (weight_BHW[label_BHW == 255] == 0).all()
    for c in range(CLASSES):
        of_class = weight_BHW[label_BHW == c]
        k = selected(ratio, len(of_class))
        assert (of_class == 1).sum() == (k if k > 0 else len(of_class))


@settings(deadline=None, max_examples=30)
@given(seeds, ratios)
def test_weights_rise_with_confidence_within_a_class(seed: int, ratio: float) -> None:
    confidence_BHW, label_BHW = random_case(seed)
    weight_BHW = segmentation_weights(confidence_BHW, label_BHW, ratio=ratio, classes=CLASSES)
    for c in range(CLASSES):
        order = confidence_BHW[label_BHW == c].argsort()
        assert (weight_BHW[label_BHW == c][order].diff() >= 0).all()


def test_ratio_one_weighs_every_labelled_pixel_fully() -> None:
    confidence_BHW, label_BHW = random_case(0)
    weight_BHW = segmentation_weights(confidence_BHW, label_BHW, ratio=1.0, classes=CLASSES)
    assert torch.equal(weight_BHW, (label_BHW != 255).float())


def test_a_class_too_rare_to_select_from_gets_full_weight() -> None:
    label_BHW = torch.tensor([[[0, 0, 0, 0, 3]]])
    confidence_BHW = torch.tensor([[[0.9, 0.6, 0.3, 0.1, 0.05]]])
    weight_BHW = segmentation_weights(confidence_BHW, label_BHW, ratio=0.5, classes=CLASSES)
    torch.testing.assert_close(weight_BHW, torch.tensor([[[1.0, 1.0, 0.5, 1 / 6, 1.0]]]))


def test_a_class_without_any_confidence_gets_full_weight() -> None:
    label_BHW = torch.tensor([[[0, 0, 0, 0, 1, 1]]])
    confidence_BHW = torch.tensor([[[0.7, 0.0, 0.0, 0.0, 0.4, 0.2]]])
    weight_BHW = segmentation_weights(confidence_BHW, label_BHW, ratio=0.5, classes=CLASSES)
    torch.testing.assert_close(weight_BHW, torch.tensor([[[1.0, 1.0, 1.0, 1.0, 1.0, 0.5]]]))


def test_tied_confidences_are_all_selected() -> None:
    label_BHW = torch.zeros(1, 2, 3, dtype=torch.uint8)
    weight_BHW = segmentation_weights(torch.full((1, 2, 3), 0.3), label_BHW, ratio=0.5, classes=CLASSES)
    assert torch.equal(weight_BHW, torch.ones(1, 2, 3))


def test_without_any_label_every_weight_is_0() -> None:
    label_BHW = torch.full((1, 2, 3), 255, dtype=torch.uint8)
    weight_BHW = segmentation_weights(torch.rand(1, 2, 3), label_BHW, ratio=0.5, classes=CLASSES)
    assert torch.equal(weight_BHW, torch.zeros(1, 2, 3))


def test_a_fifth_of_240_pixels_is_48_although_float64_falls_short() -> None:
    ratio = 1 - (1 - 0.2)
    assert int(240 * ratio) == 47
    confidence_BHW = torch.arange(1, 241).reshape(1, 15, 16) / 240
    weight_BHW = segmentation_weights(confidence_BHW, torch.zeros(1, 15, 16, dtype=torch.uint8), ratio=ratio, classes=1)
    assert (weight_BHW == 1).sum() == 48


def test_consistency_weights_move_from_one_to_the_confidence() -> None:
    confidence_BHW, label_BHW = torch.tensor([[[0.0, 0.4, 1.0, 0.4]]]), torch.tensor([[[0, 1, 2, 255]]])
    for r, expected in (
        (0.0, [1.0, 1.0, 1.0, 0.0]),
        (0.5, [0.5, 0.7, 1.0, 0.0]),
        (1.0, [0.0, 0.4, 1.0, 0.0]),
    ):
        weight_BHW = consistency_weights(confidence_BHW, label_BHW, ramp_value=r)
        torch.testing.assert_close(weight_BHW, torch.tensor([[expected]]))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 90), st.floats(0.05, 1.0), st.integers(0, 2**31))
def test_an_epochs_strength_gives_the_bits_that_its_numbers_give(epoch: int, final_ratio: float, seed: int) -> None:
    at_epoch = Objective(final_ratio=final_ratio).strength(epoch, torch.device("cpu"))
    r = ramp(epoch, ramp_epochs=80, shape="exp")
    ratio = selection_ratio(r, final_ratio=final_ratio)
    generator = torch.Generator().manual_seed(seed)
    confidence_BHW = torch.rand(2, 15, 16, generator=generator)
    label_BHW = torch.randint(0, CLASSES, (2, 15, 16), generator=generator)
    assert torch.equal(
        segmentation_weights(confidence_BHW, label_BHW, ratio=at_epoch.ratio, classes=CLASSES),
        segmentation_weights(confidence_BHW, label_BHW, ratio=ratio, classes=CLASSES),
    )
    assert torch.equal(
        consistency_weights(confidence_BHW, label_BHW, ramp_value=at_epoch.ramp),
        consistency_weights(confidence_BHW, label_BHW, ramp_value=r),
    )
