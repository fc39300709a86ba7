"""Soft labels: what becomes of the confidence, the target and the selection, and that hard ones are a special case."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from training.confidence import label_confidence
from training.smoothing import one_hot, smooth_labels
from training.soft_labels import expected_confidence, normalised

CLASSES = 4


def case(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Log-probabilities, soft labels whose class sum is 1 or 0, and their likeliest classes."""
    generator = torch.Generator().manual_seed(seed)
    log_p = torch.log_softmax(2 * torch.randn(2, CLASSES, 5, 6, generator=generator), dim=1)
    soft = normalised(torch.rand(2, CLASSES, 5, 6, generator=generator))
    label = soft.argmax(1).to(torch.uint8)
    missing = torch.rand(2, 5, 6, generator=generator) < 0.3
    label[missing] = 255
    return log_p, torch.where(missing[:, None], 0.0, soft), label


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31))
def test_normalised_shares_sum_to_one_or_are_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stored = rng.integers(0, 256, (2, CLASSES, 3, 5)).astype(np.float32) / 255
    stored[:, :, rng.random((3, 5)) < 0.4] = 0.0
    total = normalised(torch.from_numpy(stored)).sum(1).numpy()
    np.testing.assert_allclose(total, (stored.sum(1) > 0).astype(np.float32), atol=1e-6)


def test_expected_confidence_is_the_mean_of_the_label_confidence_over_labels_drawn_from_the_soft_one() -> None:
    log_p, soft, label = case(0)
    found = expected_confidence(log_p, soft, label)
    everywhere = [label_confidence(log_p, torch.full_like(label, c)) for c in range(CLASSES)]
    expected = sum(soft[:, c] * everywhere[c] for c in range(CLASSES))
    torch.testing.assert_close(found, torch.where(label != 255, expected, 0.0))


def test_of_certain_soft_labels_it_is_the_label_confidence() -> None:
    log_p, _, label = case(1)
    torch.testing.assert_close(
        expected_confidence(log_p, one_hot(label, classes=CLASSES), label), label_confidence(log_p, label)
    )


def test_an_unlabelled_pixel_has_no_confidence_whatever_its_probabilities() -> None:
    log_p, soft, label = case(2)
    dirty = torch.where((label == 255)[:, None], torch.ones(CLASSES).view(-1, 1, 1) / CLASSES, soft)
    assert torch.equal(expected_confidence(log_p, dirty, label), expected_confidence(log_p, soft, label))
    assert not expected_confidence(log_p, dirty, label)[label == 255].any()


def test_the_target_has_the_probabilities_in_place_of_the_one_hot() -> None:
    _, soft, label = case(3)
    found = smooth_labels(label, None, classes=CLASSES, prior_factor=0.0, uniform_factor=0.2, probabilities_BCHW=soft)
    labelled = (label != 255)[:, None]
    torch.testing.assert_close(found, torch.where(labelled, 0.8 * soft + 0.2 / CLASSES, 0.0))
    torch.testing.assert_close(found.sum(1), labelled[:, 0].float())
