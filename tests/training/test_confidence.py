import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from training.confidence import enhance, entropy_confidence, gini_confidence, label_confidence


def log_p(*pixels: list[float]) -> torch.Tensor:
    """Return the (1, C, 1, W) log-probabilities of the given pixels."""
    return torch.tensor(pixels).log().T.reshape(1, -1, 1, len(pixels))


def test_label_confidence_is_the_labels_probability_and_0_without_a_label() -> None:
    label_BHW = torch.tensor([[[2, 0, 255]]], dtype=torch.uint8)
    confidence_BHW = label_confidence(log_p([0.1, 0.2, 0.7], [0.5, 0.25, 0.25], [0.9, 0.05, 0.05]), label_BHW)
    torch.testing.assert_close(confidence_BHW, torch.tensor([[[0.7, 0.5, 0.0]]]))


def test_entropy_confidence_by_hand() -> None:
    confidence_BHW = entropy_confidence(log_p([0.25] * 4, [0.5, 0.5, 1e-30, 1e-30], [1.0, 1e-30, 1e-30, 1e-30]))
    torch.testing.assert_close(confidence_BHW, torch.tensor([[[0.0, 1 - math.log(2) / math.log(4), 1.0]]]))


def test_gini_confidence_by_hand() -> None:
    confidence_BHW = gini_confidence(log_p([0.25] * 4, [0.5, 0.5, 1e-30, 1e-30]))
    torch.testing.assert_close(confidence_BHW, torch.tensor([[[0.25, 0.5]]]))


def test_enhance_keeps_what_a_certain_modality_confirms_and_halves_what_it_denies() -> None:
    own = torch.tensor([0.8, 0.8, 0.8])
    torch.testing.assert_close(enhance(own, torch.tensor([1.0, 0.5, 0.0])), torch.tensor([0.8, 0.6, 0.4]))


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 12), st.floats(0.0, 1e4), st.integers(0, 2**31))
def test_confidences_stay_in_range_however_sharp_the_logits(classes: int, scale: float, seed: int) -> None:
    logits_BCHW = scale * torch.randn(1, classes, 3, 4, generator=torch.Generator().manual_seed(seed))
    log_p_BCHW = logits_BCHW.log_softmax(dim=1)
    entropy_BHW, gini_BHW = entropy_confidence(log_p_BCHW), gini_confidence(log_p_BCHW)
    assert ((entropy_BHW >= 0) & (entropy_BHW <= 1)).all()
    assert ((gini_BHW >= 1 / classes - 1e-6) & (gini_BHW <= 1 + 1e-6)).all()
