"""Images become coarse and larger, their labels larger alone, and both stay in step."""

import torch

from training.pseudo.resolution import Alignment, align_resolution

ALWAYS = Alignment(1.0, (0.1, 0.35), (1.0, 3.0))


def board(side: int = 64, square: int = 16) -> torch.Tensor:
    """Labels of a checkerboard of four classes."""
    line = torch.arange(side) // square % 2
    return (2 * line[:, None] + line[None]).to(torch.uint8)


def test_shapes_and_types_stay() -> None:
    image, label = torch.rand(5, 3, 64, 64), torch.randint(0, 9, (5, 64, 64), dtype=torch.uint8)
    other, moved = align_resolution(image, label, ALWAYS, torch.Generator().manual_seed(0))
    assert other.shape == image.shape
    assert moved.shape == label.shape
    assert moved.dtype == torch.uint8
    assert not torch.equal(other, image)


def test_what_is_not_chosen_is_as_it_was() -> None:
    image, label = torch.rand(40, 1, 32, 32), torch.randint(0, 9, (40, 32, 32), dtype=torch.uint8)
    some = Alignment(0.3, (0.1, 0.35), (1.0, 3.0))
    other, moved = align_resolution(image, label, some, torch.Generator().manual_seed(0))
    kept = (other == image).flatten(1).all(dim=1)
    assert 20 <= int(kept.sum()) <= 35
    assert torch.equal(moved[kept], label[kept])
    never = align_resolution(image, label, Alignment(0.0, (0.1, 0.35), (1.0, 3.0)), torch.Generator())
    assert never[0] is image


def test_the_image_is_coarse_and_the_labels_are_sharp() -> None:
    generator = torch.Generator().manual_seed(1)
    fine = torch.rand(8, 1, 64, 64, generator=generator)
    other, _ = align_resolution(fine, torch.zeros(8, 64, 64, dtype=torch.uint8), ALWAYS, generator)
    steps = [(x[..., 1:] - x[..., :-1]).abs().mean() for x in (fine, other)]
    assert steps[1] < 0.2 * steps[0]


def test_a_label_stays_on_its_own_ground() -> None:
    """Each class has a level of its own; where the nearest square's edge is far, the coarse image still has it."""
    label = board().expand(6, -1, -1)
    image = label[:, None].float()
    gentle = Alignment(1.0, (0.35, 0.35), (2.0, 3.0))
    other, moved = align_resolution(image, label, gentle, torch.Generator().manual_seed(2))
    uniform = torch.nn.functional.avg_pool2d(moved[:, None].float(), 13, stride=1, padding=6) == moved[:, None]
    assert uniform.float().mean() > 0.2
    off = (other - moved[:, None]).abs()[uniform]
    assert float(off.mean()) < 0.05
    assert float((other.flip(-1) - moved[:, None]).abs()[uniform].mean()) > 0.4, "a shift would show"
    assert set(moved.unique().tolist()) <= {0, 1, 2, 3}


def test_the_same_draw_gives_the_same_images() -> None:
    image, label = torch.rand(4, 2, 32, 32), torch.randint(0, 9, (4, 32, 32), dtype=torch.uint8)
    one, other = (align_resolution(image, label, ALWAYS, torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(one[0], other[0])
    assert torch.equal(one[1], other[1])
