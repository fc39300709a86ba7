"""How far the host may queue work ahead of a GPU."""

from collections import deque

import torch

STEPS_AHEAD = 2
"""Enough to keep a GPU busy; each more would hold a batch of memory, and hide whether data is waited for."""


class Pace:
    """Makes the host wait while more than STEPS_AHEAD steps are queued. On a CPU nothing is ever queued.

    Has not run on a GPU yet but for its tests there (marker gpu).
    """

    def __init__(self, device: torch.device) -> None:
        self._gpu = device.type == "cuda"
        self._queued: deque[torch.cuda.Event] = deque()

    def step_queued(self) -> None:
        """Count a step as queued."""
        if not self._gpu:
            return
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record()
        self._queued.append(event)
        if len(self._queued) > STEPS_AHEAD:
            self._queued.popleft().synchronize()
