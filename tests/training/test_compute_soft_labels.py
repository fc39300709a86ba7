"""Class probabilities go through the same placement as the images, and stay probabilities."""

import numpy as np
import pytest
import torch
from torch import Tensor

from training.augment import Augmentation, Placement, centre, draw
from training.compute import Compute, Inputs, network_inputs
from training.loader import Batch

CPU = Compute(torch.device("cpu"), bf16=False)
PX, CROP = 40, 32


def stored(seed: int) -> tuple[Tensor, Tensor]:
    """Labels in blocks with some missing, and probabilities whose likeliest class they are, as a store holds them."""
    rng = np.random.default_rng(seed)
    label = np.kron(rng.integers(0, 9, (4, 5, 5)), np.ones((8, 8), int)).astype(np.uint8)
    label[:, :10, :10] = 255
    share = rng.dirichlet(np.ones(9), label.shape) * 0.4 + 0.6 * (label[..., None] == np.arange(9))
    share = np.rint(255 * np.moveaxis(share, -1, 1)).astype(np.uint8) * (label != 255)[:, None]
    return torch.from_numpy(label), torch.from_numpy(share.astype(np.uint8))


def placed(label: Tensor, share: Tensor | None, placement: Placement) -> Inputs:
    images = (torch.zeros(4, 2, PX, PX, dtype=torch.uint8), torch.zeros(4, 13, PX, PX, dtype=torch.uint8))
    seasons = label[:, None].expand(-1, 4, -1, -1).contiguous()
    batch = Batch(np.arange(4), *images, seasons, torch.tensor([0, 1, 2, 3]), share)
    return network_inputs(batch, placement, s2_bands=13, compute=CPU)


def test_batches_without_probabilities_make_inputs_without_them() -> None:
    label, _ = stored(0)
    assert placed(label, None, centre(4, CROP, PX)).probabilities is None


def test_unrotated_they_are_the_stored_ones_with_sum_1() -> None:
    label, share = stored(1)
    inputs = placed(label, share, centre(4, CROP, PX))
    found, labelled = inputs.probabilities, inputs.label != 255
    assert found is not None
    np.testing.assert_allclose(found.sum(1).numpy(), labelled.float().numpy(), atol=1e-6)
    assert torch.equal(found.argmax(1)[labelled], inputs.label[labelled].long())
    np.testing.assert_allclose(found.numpy(), share[:, :, 4:36, 4:36].float().numpy() / 255, atol=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_turned_and_flipped_they_follow_the_labels(seed: int) -> None:
    label, share = stored(seed)
    how = Augmentation(CROP, flip_p=0.7, rotation_p=1.0, rotation_max_deg=90.0)
    inputs = placed(label, share, draw(how, 4, PX, torch.Generator().manual_seed(seed)))
    found, labelled = inputs.probabilities, inputs.label != 255
    assert found is not None
    total = found.sum(1)
    np.testing.assert_allclose(total[labelled].numpy(), 1.0, atol=1e-5)
    assert (((total - 1).abs() < 1e-5) | (total == 0)).all()
    agree = (found.argmax(1)[labelled] == inputs.label[labelled]).float().mean()
    assert agree > 0.9  # the rest lies between blocks, where bilinear and nearest part
