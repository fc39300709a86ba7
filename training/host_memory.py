"""Host memory of batches, handed out again once nobody holds it.

Memory that is fresh from the system costs a page fault for every 4 KB that is first written to, which is half of what
decoding into it costs. PyTorch keeps its page-locked memory itself; this does the same for plain memory.
"""

import math
import weakref
from collections import defaultdict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class HostMemory:
    """Blocks by their size; as many are kept as were ever held at once."""

    def __init__(self) -> None:
        self._free: defaultdict[int, list[NDArray[np.uint8]]] = defaultdict(list)

    def take(self, shape: tuple[int, ...], *, pin: bool) -> Tensor:
        """A uint8 tensor of unspecified content; its memory comes back when the last tensor on it is gone.

        `pin`: page-locked memory of PyTorch's own cache, which knows when copies to a GPU are over.
        """
        if pin:
            return torch.empty(shape, dtype=torch.uint8, pin_memory=True)
        free = self._free[math.prod(shape)]
        try:
            block = free.pop()
        except IndexError:
            block = np.empty(math.prod(shape), np.uint8)
        shown = block.reshape(shape)  # what the tensor holds on to, and nothing else does
        weakref.finalize(shown, free.append, block).atexit = False
        return torch.from_numpy(shown)
