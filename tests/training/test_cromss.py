"""What is selected by, and what teaches what; the numbers are held in test_step and tests/golden."""

import torch
from torch import Tensor

from training.confidence import label_confidence
from training.cromss import SelectionMasks, consistency_loss, selection_masks, support
from training.modality import Modality
from training.objective import Objective

CLASSES = 5


def case() -> tuple[dict[Modality, Tensor], Tensor]:
    generator = torch.Generator().manual_seed(0)
    log_p: dict[Modality, Tensor] = {
        m: torch.log_softmax(2 * torch.randn(2, CLASSES, 6, 7, generator=generator), dim=1) for m in ("s1", "s2")
    }
    label = torch.randint(0, CLASSES, (2, 6, 7), generator=generator).to(torch.uint8)
    label[torch.rand(2, 6, 7, generator=generator) < 0.3] = 255
    return log_p, label


def test_one_modality_is_supported_by_itself_and_two_by_each_other() -> None:
    log_p, label = case()
    f = {m: label_confidence(x, label) for m, x in log_p.items()}
    assert torch.equal(support({"s2": log_p["s2"]}, label)["s2"], f["s2"])
    found = support(log_p, label)
    torch.testing.assert_close(found["s1"], f["s1"] * (1 + f["s2"]) / 2)
    torch.testing.assert_close(found["s2"], f["s2"] * (1 + f["s1"]) / 2)


def test_one_modality_selects_nothing() -> None:
    log_p, label = case()
    objective = Objective(ramp="none")
    strength = objective.strength(0, label.device)
    masks = selection_masks({"s1": log_p["s1"]}, label, strength=strength, objective=objective)
    assert torch.equal(masks.segmentation["s1"], (label != 255).float())
    assert (masks.segmentation.keys(), len(masks.consistency)) == ({"s1"}, 0)
    assert selection_masks(log_p, label, strength=strength, objective=objective).segmentation["s1"].unique().numel() > 9


def test_each_modality_is_taught_by_the_other_only_where_that_one_is_trusted() -> None:
    log_p, _ = case()
    nothing, all_ = torch.zeros(2, 6, 7), torch.ones(2, 6, 7)
    leaves = {m: x.clone().requires_grad_() for m, x in log_p.items()}
    masks = SelectionMasks({}, {"s1": nothing, "s2": all_})
    consistency_loss(leaves, masks, "ce").backward()
    assert leaves["s1"].grad.any()
    assert not leaves["s2"].grad.any()
