"""An epoch's random numbers follow from seed, epoch and rank, and go on where they stopped."""

import torch

from training.step import StepLosses
from training.under_way import UnderWay
from training.world import ALONE, World

CPU = torch.device("cpu")


def drawn(epoch: int, world: World, seed: int = 0) -> tuple[float, ...]:
    generator = UnderWay.begin(epoch, seed=seed, world=world, device=CPU).augmentation
    return tuple(torch.rand(4, generator=generator).tolist())


def test_every_epoch_seed_and_rank_draws_its_own() -> None:
    all_drawn = {
        drawn(epoch, World(rank, 3, rank), seed) for epoch in range(3) for rank in range(3) for seed in range(2)
    }
    assert len(all_drawn) == 18
    assert drawn(1, World(1, 3, 1)) == drawn(1, World(1, 3, 1))


def test_the_first_of_several_draws_as_one_alone_does() -> None:
    assert drawn(2, World(0, 3, 0)) == drawn(2, ALONE)


def test_what_is_saved_goes_on_alike() -> None:
    one = UnderWay.begin(4, seed=1, world=ALONE, device=CPU)
    one.stepped(StepLosses(torch.tensor(2.0), {}), 3)
    torch.rand(7, generator=one.augmentation)
    other = UnderWay.restored(one.saved(), CPU)
    assert (other.epoch, other.steps, other.sums.own()) == (4, 1, ({"train_loss": 6.0}, 3))
    assert torch.equal(torch.rand(5, generator=other.augmentation), torch.rand(5, generator=one.augmentation))
