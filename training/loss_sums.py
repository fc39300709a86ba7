"""The losses of an epoch so far, summed where they arise, so that no step waits to read one."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from training.step import StepLosses
from training.world import World


@dataclass(frozen=True)
class Totals:
    """What every process summed together, on the host."""

    sums: dict[str, float]
    """Each loss times the locations that it is the mean of, by its name in the log."""
    locations: int
    flags: tuple[bool, ...]
    """Which of the flags any process raised."""

    def means_since(self, before: "Totals | None") -> dict[str, float]:
        """Mean losses of the locations since `before`, or of all."""
        locations = self.locations - (before.locations if before else 0)
        return {
            name: (total - (before.sums.get(name, 0.0) if before else 0.0)) / locations
            for name, total in self.sums.items()
        }


class LossSums:
    """Sums of this process, in float64 on the device.

    `sums` and `locations`: where an epoch goes on that was cut short, what it had.
    """

    def __init__(self, device: torch.device, sums: Mapping[str, float], locations: int) -> None:
        self._names = tuple(sums)
        self._values = torch.tensor(list(sums.values()), dtype=torch.float64, device=device)
        self._locations = locations

    def add(self, losses: StepLosses, locations: int) -> None:
        """Count the losses of a step over so many locations."""
        named = {"train_loss": losses.total, **losses.parts}
        values = torch.stack([value.detach() for value in named.values()]).double() * locations
        if not self._names:
            self._names, self._values = tuple(named), torch.zeros_like(values)
        self._values += values
        self._locations += locations

    def own(self) -> tuple[dict[str, float], int]:
        """Sums and locations of this process alone; waits for the device."""
        return dict(zip(self._names, self._values.tolist(), strict=True)), self._locations

    def totals(self, world: World, *flags: bool) -> Totals:
        """Sums of all processes, and the flags that any of them raised; waits for device and processes."""
        device = self._values.device
        host = torch.tensor([self._locations, *flags], dtype=torch.float64)
        values = world.total(torch.cat((self._values, host.to(device)))).tolist()
        sums, (locations, *raised) = values[: len(self._names)], values[len(self._names) :]
        return Totals(dict(zip(self._names, sums, strict=True)), int(locations), tuple(bool(r) for r in raised))
