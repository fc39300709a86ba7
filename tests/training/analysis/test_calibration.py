import pytest
import torch
from torch.nn.functional import log_softmax
from torchmetrics.classification import MulticlassCalibrationError

from training.analysis.calibration import BINS, Reliability


def predictions(seed: int, sharpness: float) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    log_p = log_softmax(sharpness * torch.randn((3, 9, 20, 20), generator=generator), dim=1)
    target = torch.randint(0, 9, (3, 20, 20), generator=generator).byte()
    right = torch.rand((3, 20, 20), generator=generator) < 0.5
    target = torch.where(right, log_p.argmax(1).byte(), target)
    target[:, :4] = 255
    return log_p, target


@pytest.mark.parametrize("sharpness", [0.3, 2.0, 8.0])
def test_the_error_is_torchmetrics(sharpness: float) -> None:
    counted = Reliability()
    theirs = MulticlassCalibrationError(num_classes=9, n_bins=BINS, norm="l1", ignore_index=255)
    for seed in range(3):
        log_p, target = predictions(seed, sharpness)
        counted.add(log_p, target)
        theirs.update(log_p.exp(), target.long())
    assert counted.ece() == pytest.approx(float(theirs.compute()), abs=1e-4)
    assert counted.pixels == 3 * 3 * 16 * 20


def test_bins_are_those_of_counting_by_hand() -> None:
    log_p, target = predictions(7, 2.0)
    counted = Reliability()
    counted.add(log_p, target)
    confidence, predicted = (values[target != 255] for values in log_p.double().exp().max(1))
    right = predicted == target[target != 255]
    for b in counted.bins():
        mine = (confidence >= b.low) & ((confidence < b.high) | (b.high == 1.0))
        assert b.pixels == int(mine.sum())
        if b.pixels:
            assert b.confidence == pytest.approx(float(confidence[mine].mean()), abs=1e-6)
            assert b.accuracy == pytest.approx(float(right[mine].double().mean()))
        else:
            assert b.confidence is None
            assert b.accuracy is None


def test_a_certain_pixel_is_in_the_last_bin_and_no_pixel_is_refused() -> None:
    counted = Reliability()
    with pytest.raises(ValueError, match="no pixel has a target"):
        counted.ece()
    log_p = torch.tensor([[0.0], [-torch.inf]]).reshape(1, 2, 1, 1)
    counted.add(log_p, torch.ones((1, 1, 1), dtype=torch.uint8))
    assert counted.bins()[-1].pixels == 1
    assert counted.ece() == 1.0
