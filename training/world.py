"""The processes that train one network together: who this one is, and the few things that they tell each other.

torchrun starts them and sets RANK, WORLD_SIZE and LOCAL_RANK (PyTorch documentation, "torchrun (Elastic Launch)",
Environment Variables). Without these a run is one process, and nothing here communicates.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from pipeline.schema.errors import NoldoError, UsageError

Value = TypeVar("Value")

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK")


@dataclass(frozen=True)
class World:
    """This process among those of the run."""

    rank: int = 0
    """0..size - 1; rank 0 writes the files and shows the progress."""
    size: int = 1
    local_rank: int = 0
    """Number of this process on its machine; it takes the GPU of that number."""

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be."""
        if not 0 <= self.rank < self.size or self.local_rank < 0:
            raise ValueError(f"rank {self.rank}, world size {self.size}, local rank {self.local_rank} cannot be")

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and shows."""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        """Whether it has no others."""
        return self.size == 1

    def total(self, tensor: Tensor) -> Tensor:
        """The sum of every process's tensor, on every process; one transfer."""
        if self.alone:
            return tensor
        summed = tensor.clone()
        dist.all_reduce(summed)
        return summed

    def share_buffers(self, network: nn.Module) -> None:
        """Give every process rank 0's buffers, the running statistics of batch norm."""
        if not self.alone:
            for buffer in network.buffers():
                dist.broadcast(buffer, src=0)

    def every(self, value: Value) -> list[Value]:
        """What every process gave, by rank, on every process; small plain data only."""
        if self.alone:
            return [value]
        values: list[Value | None] = [None] * self.size
        dist.all_gather_object(values, value)
        return [v for v in values if v is not None]

    def from_first(self, make: Callable[[], Value]) -> Value:
        """What `make` gives on rank 0, on every process; an expected failure there is raised on all of them."""
        if self.alone:
            return make()
        told: list[Value | NoldoError | None] = [None]
        if self.first:
            try:
                told = [make()]
            except NoldoError as error:
                told = [error]
        dist.broadcast_object_list(told, src=0)
        if isinstance(told[0], NoldoError):
            raise told[0]
        return told[0]  # type: ignore[return-value]


ALONE = World()
"""A run of one process."""


def world_of(environment: Mapping[str, str]) -> World:
    """This process by torchrun's variables, or a run of one process without them; UsageError where only some are set.

    RANK and the others are also set by other programs, each in its way, so a half is not guessed at.
    """
    found = [name for name in VARIABLES if name in environment]
    if not found:
        return ALONE
    try:
        rank, size, local_rank = (int(environment[name]) for name in VARIABLES)
        return World(rank, size, local_rank)
    except (KeyError, ValueError) as error:
        said = ", ".join(f"{name}={environment[name]}" for name in found)
        raise UsageError(
            f"{said} in the environment, where torchrun sets {', '.join(VARIABLES)} together; "
            "start several processes with torchrun, or unset these for one"
        ) from error


@contextmanager
def together(world: World, device: torch.device) -> Iterator[None]:
    """Join the other processes, over nccl on GPUs and gloo on CPUs, and leave them in the end.

    A process group that is there already is used, and left as it is: torchrun's store keeps the addresses of one that
    was left, so that a second one in the same processes may wait for these forever.
    Raises NoldoError where another process has gone, which only shows when this one waits for it.
    """
    if world.alone:
        yield
        return
    gpu, ours = device.type == "cuda", not dist.is_initialized()
    if ours:
        dist.init_process_group("nccl" if gpu else "gloo", device_id=device if gpu else None)
    try:
        yield
    except RuntimeError as error:
        if not _is_lost_peer(error):
            raise
        raise NoldoError(
            f"process {world.rank} of {world.size} has lost another one; what that one said last tells why"
        ) from error
    finally:
        if ours:
            dist.destroy_process_group()


def _is_lost_peer(error: RuntimeError) -> bool:
    """gloo knows no type of its own for it, but names its source files."""
    return isinstance(error, dist.DistError) or "gloo" in str(error)
