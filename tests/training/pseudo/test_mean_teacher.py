"""The teacher is the moving average of its student."""

import copy

import pytest
import torch

from training.pseudo.mean_teacher import decay_at, follow, teacher_of
from training.single_unet import build_single


def test_the_decay_rises_to_its_limit() -> None:
    assert [decay_at(step, 0.999) for step in (0, 1, 3)] == [0.0, 0.5, 0.75]
    assert decay_at(499, 0.999) == pytest.approx(0.998)
    assert decay_at(10**6, 0.999) == 0.999


def test_the_teacher_moves_by_its_share_and_gets_no_gradient() -> None:
    student = build_single("s2", "resnet18", (8, 8, 8))
    teacher = teacher_of(student)
    assert not teacher.training
    assert not any(p.requires_grad for p in teacher.parameters())
    before = copy.deepcopy(teacher.state_dict())
    with torch.no_grad():
        for tensor in (*student.parameters(), *student.buffers()):
            tensor.add_(2)
    follow(teacher, student, 0.75)
    for name, tensor in teacher.state_dict().items():
        grown = 0.5 if tensor.is_floating_point() else 2
        torch.testing.assert_close(tensor, before[name] + grown, msg=name)
    follow(teacher, student, decay_at(0, 0.999))
    for mine, its in zip(teacher.state_dict().values(), student.state_dict().values(), strict=True):
        assert torch.equal(mine, its)


def test_the_first_steps_average_all_students_alike() -> None:
    """With a decay of 1 - 1 / (i + 1) the teacher is the plain mean of the students after steps 0..i."""
    student = build_single("s2", "resnet18", (8, 8, 8))
    teacher = teacher_of(student)
    seen = []
    for step in range(4):
        with torch.no_grad():
            student.segmentation_head[0].weight.normal_()
        seen.append(student.segmentation_head[0].weight.detach().clone())
        follow(teacher, student, decay_at(step, 0.999))
    torch.testing.assert_close(teacher.segmentation_head[0].weight, torch.stack(seen).mean(0))
