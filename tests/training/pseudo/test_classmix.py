"""What is pasted, what is learnt of it, and how much it weighs."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from training.pseudo.classmix import PseudoLabels, chosen_classes, mix, mixed_loss, pseudo_labels


def random_labels(seed: int, classes: int = 6, ignored: float = 0.2) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    label = torch.randint(0, classes, (3, 4, 5), generator=generator).to(torch.uint8)
    label[torch.rand(3, 4, 5, generator=generator) < ignored] = 255
    return label


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 9), st.floats(0, 1))
def test_half_of_the_classes_that_occur_are_chosen_rounded_up(seed: int, classes: int, ignored: float) -> None:
    label = random_labels(seed, classes, ignored)
    chosen = chosen_classes(label, 9, torch.Generator().manual_seed(seed))
    for one, mine in zip(label, chosen, strict=True):
        occurring = {int(c) for c in one.unique() if c != 255}
        taken = set(mine.nonzero()[:, 0].tolist())
        assert taken <= occurring
        assert len(taken) == (len(occurring) + 1) // 2


def test_every_half_is_as_likely() -> None:
    label = torch.tensor([0, 1, 2, 3], dtype=torch.uint8).view(1, 2, 2)
    generator = torch.Generator().manual_seed(0)
    counts = torch.stack([chosen_classes(label, 9, generator)[0] for _ in range(600)]).float().mean(0)
    assert counts[:4].tolist() == pytest.approx([0.5] * 4, abs=0.08)
    assert not counts[4:].any()


def test_pasted_pixels_come_from_the_labelled_image_and_weigh_1() -> None:
    label = random_labels(1)
    chosen = chosen_classes(label, 6, torch.Generator().manual_seed(1))
    image, other = torch.zeros(3, 2, 4, 5), torch.ones(3, 2, 4, 5)
    under = PseudoLabels(torch.full((3, 4, 5), 5, dtype=torch.uint8), torch.tensor([0.0, 0.25, 0.5]))
    mixed = mix(image, label, other, under, chosen)
    for b in range(3):
        for y in range(4):
            for x in range(5):
                own = int(label[b, y, x])
                pasted = own != 255 and bool(chosen[b, own])
                assert mixed.image[b, :, y, x].tolist() == ([0.0, 0.0] if pasted else [1.0, 1.0])
                assert int(mixed.label[b, y, x]) == (own if pasted else 5)
                assert float(mixed.weight[b, y, x]) == (1.0 if pasted else 0.25 * b)


def test_a_teacher_s_label_is_its_likeliest_class_and_an_image_weighs_as_it_is_sure() -> None:
    p = torch.tensor([[[0.97, 0.5, 0.968, 0.1]], [[0.03, 0.5, 0.032, 0.9]]])[None]
    found = pseudo_labels(p.log(), torch.ones(1, 1, 4, dtype=torch.bool), confidence=0.9679)
    assert found.label.tolist()[0][0][0] == 0
    assert found.label.tolist()[0][0][3] == 1
    assert found.weight.tolist() == [0.5]
    seen = torch.ones(2, 1, 4, dtype=torch.bool)
    two = pseudo_labels(torch.cat((p, torch.full_like(p, 0.5))).log(), seen, confidence=0.9)
    assert two.weight.tolist() == pytest.approx([0.75, 0.0]), "each image by itself"


def test_the_loss_is_the_weighted_sum_over_the_number_of_pixels() -> None:
    label = random_labels(2, ignored=0.0)
    log_p = torch.log_softmax(torch.randn(3, 6, 4, 5, generator=torch.Generator().manual_seed(0)), dim=1)
    under = PseudoLabels(label.flip(0), torch.tensor([0.1, 0.0, 0.9]))
    nothing = torch.zeros(3, 6, dtype=torch.bool)
    mixed = mix(torch.zeros(3, 1, 4, 5), label, torch.zeros(3, 1, 4, 5), under, nothing)
    expected = 0.0
    for b, weight in enumerate([0.1, 0.0, 0.9]):
        for y in range(4):
            for x in range(5):
                expected -= weight * float(log_p[b, int(label[2 - b, y, x]), y, x])
    assert float(mixed_loss(log_p, mixed)) == pytest.approx(expected / 60, rel=1e-5)
    unsure = PseudoLabels(under.label, under.weight / 2)
    half = mix(torch.zeros(3, 1, 4, 5), label, torch.zeros(3, 1, 4, 5), unsure, nothing)
    assert float(mixed_loss(log_p, half)) == pytest.approx(expected / 120, rel=1e-5), "unsure batches weigh less"


def test_what_lies_where_the_image_shows_nothing_touches_neither_weight_nor_loss() -> None:
    generator = torch.Generator().manual_seed(4)
    seen = torch.rand(3, 4, 5, generator=generator) < 0.6
    seen[2] = False
    label = random_labels(3)
    chosen = chosen_classes(label, 6, generator)
    seen_by_student = torch.log_softmax(torch.randn(3, 6, 4, 5, generator=generator), dim=1)
    results = []
    for elsewhere in (-3.0, 8.0):
        logits = torch.randn(3, 6, 4, 5, generator=torch.Generator().manual_seed(9)) * 3
        logits[:, 1] = torch.where(seen, logits[:, 1], elsewhere)
        under = pseudo_labels(torch.log_softmax(logits, dim=1), seen, confidence=0.8)
        mixed = mix(torch.zeros(3, 1, 4, 5), label, torch.zeros(3, 1, 4, 5), under, chosen)
        assert torch.equal(under.label == 255, ~seen)
        assert not mixed.weight[mixed.label == 255].any()
        results.append((under.weight, mixed_loss(seen_by_student, mixed)))
        largest = torch.softmax(logits, dim=1).amax(dim=1)
        assert float(under.weight[0]) == pytest.approx(float((largest[0][seen[0]] >= 0.8).float().mean()))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])
    assert results[0][1].isfinite()
    assert float(results[0][0][2]) == 0.0, "an image of nothing weighs nothing"
