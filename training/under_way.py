"""An epoch that has begun: what a process needs to go on with it at any step."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch

from training.loss_sums import LossSums
from training.progress import EpochClock
from training.step import StepLosses
from training.world import World

AUGMENT_STREAM = 3
"""Tells the augmentation's random numbers from others drawn of the same seed."""


@dataclass
class UnderWay:
    """One process's part in an epoch. Order and seasons follow from seed, epoch and rank, and need no state."""

    epoch: int
    """From 0."""
    steps: int
    """Steps done."""
    sums: LossSums
    augmentation: torch.Generator
    """On the CPU; each process has its own."""
    clock: EpochClock

    @classmethod
    def begin(cls, epoch: int, *, seed: int, world: World, device: torch.device) -> Self:
        """An epoch before its first step."""
        own = [] if world.first else [world.rank]  # a run of one process draws as rank 0 does
        state = np.random.SeedSequence([seed, AUGMENT_STREAM, epoch, *own]).generate_state(1)
        generator = torch.Generator().manual_seed(int(state[0]))
        return cls(epoch, 0, LossSums(device, {}, 0), generator, EpochClock())

    def stepped(self, losses: StepLosses, locations: int) -> None:
        """Count a step as done."""
        self.steps += 1
        self.sums.add(losses, locations)

    def saved(self) -> dict[str, Any]:
        """Everything that going on needs, as plain data and tensors; waits for the device."""
        sums, locations = self.sums.own()
        return {
            "epoch": self.epoch,
            "steps": self.steps,
            "sums": sums,
            "locations": locations,
            "augmentation": self.augmentation.get_state(),
            "seconds": self.clock.seconds,
            "waited": self.clock.waited,
        }

    @classmethod
    def restored(cls, saved: dict[str, Any], device: torch.device) -> Self:
        """Go on where `saved` was taken. Raises LookupError, TypeError or RuntimeError where it is damaged."""
        generator = torch.Generator()
        generator.set_state(saved["augmentation"])
        sums = LossSums(device, saved["sums"], int(saved["locations"]))
        clock = EpochClock(float(saved["seconds"]), float(saved["waited"]))
        return cls(int(saved["epoch"]), int(saved["steps"]), sums, generator, clock)
