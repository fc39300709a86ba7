import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from training.losses import divergence, weighted_cross_entropy, weighted_dice, weighted_mean
from training.smoothing import one_hot


def random_logits(seed: int, classes: int = 4) -> Tensor:
    return 2 * torch.randn(2, classes, 5, 6, generator=torch.Generator().manual_seed(seed))


def test_weighted_mean_of_nothing_is_0() -> None:
    assert weighted_mean(torch.ones(1, 2, 2), torch.zeros(1, 2, 2)) == 0
    assert weighted_mean(torch.tensor([[[1.0, 4.0]]]), torch.tensor([[[1.0, 0.5]]])) == 2.0


def test_unweighted_cross_entropy_is_torchs() -> None:
    logits_BCHW, target_BCHW = random_logits(0), random_logits(1).softmax(dim=1)
    actual = weighted_cross_entropy(logits_BCHW.log_softmax(dim=1), target_BCHW, torch.ones(2, 5, 6))
    torch.testing.assert_close(actual, cross_entropy(logits_BCHW, target_BCHW))


def test_dice_by_hand() -> None:
    p_BCHW = torch.tensor([[0.8, 0.4], [0.2, 0.6]]).reshape(1, 2, 1, 2)
    target_BCHW = one_hot(torch.tensor([[[0, 1]]]), classes=2)
    dice = weighted_dice(p_BCHW.log(), target_BCHW, torch.tensor([[[1.0, 0.5]]]))
    first = 1 - 2 * 0.8 / (0.8 + 0.5 * 0.4 + 1)
    second = 1 - 2 * 0.5 * 0.6 / (0.2 + 0.5 * 0.6 + 0.5)
    torch.testing.assert_close(dice, torch.tensor((first + second) / 2))


def test_an_absent_class_adds_nothing_to_dice_but_counts_in_its_mean() -> None:
    log_p_BCHW = random_logits(2).log_softmax(dim=1)
    label_BHW = torch.arange(60).reshape(2, 5, 6) % 2
    of_four = weighted_dice(log_p_BCHW, one_hot(label_BHW, classes=4), torch.ones(2, 5, 6))
    of_two = weighted_dice(log_p_BCHW[:, :2], one_hot(label_BHW, classes=2), torch.ones(2, 5, 6))
    torch.testing.assert_close(of_four, of_two / 2)


def test_perfect_prediction_has_no_loss() -> None:
    label_BHW = torch.arange(60).reshape(2, 5, 6) % 4
    target_BCHW = one_hot(label_BHW, classes=4)
    log_p_BCHW = (1e3 * target_BCHW).log_softmax(dim=1)
    weight_BHW = torch.ones(2, 5, 6)
    assert weighted_cross_entropy(log_p_BCHW, target_BCHW, weight_BHW) == 0
    assert weighted_dice(log_p_BCHW, target_BCHW, weight_BHW) == pytest.approx(0, abs=1e-6)


def test_ce_and_kl_teach_with_the_same_gradient() -> None:
    gradients = []
    for kind in ("ce", "kl"):
        student_BCHW = random_logits(3).requires_grad_()
        teacher_BCHW = random_logits(4).requires_grad_()
        divergence(teacher_BCHW.log_softmax(1), student_BCHW.log_softmax(1), kind=kind).sum().backward()
        assert teacher_BCHW.grad is None
        gradients.append(student_BCHW.grad)
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("kind", ["kl", "mse"])
def test_divergence_of_a_prediction_from_itself_is_0(kind: str) -> None:
    log_p_BCHW = random_logits(5).log_softmax(dim=1)
    assert torch.equal(divergence(log_p_BCHW, log_p_BCHW, kind=kind), torch.zeros(2, 5, 6))


def test_mse_sums_over_classes() -> None:
    teacher = torch.tensor([0.5, 0.25, 0.25]).log().reshape(1, 3, 1, 1)
    student = torch.tensor([0.25, 0.5, 0.25]).log().reshape(1, 3, 1, 1)
    torch.testing.assert_close(divergence(teacher, student, kind="mse").item(), 2 * 0.25**2)
