"""The run as TensorBoard shows it: `tensorboard --logdir DIR`."""

import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self


class EventFiles:
    """Writes scalars to event files in a folder; use as a context manager. None for a folder: writes nothing.

    `steps_done`: what a run that was cut short wrote of later steps is not shown any more.
    """

    def __init__(self, folder: Path | None, *, steps_done: int) -> None:
        self._writer = None
        if folder is not None:
            from torch.utils.tensorboard import SummaryWriter  # takes half a second to import

            _await_a_later_name(folder)
            self._writer = SummaryWriter(folder, purge_step=steps_done + 1)

    def __enter__(self) -> Self:
        """Nothing more to open."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """See everything to the disk."""
        if self._writer is not None:
            self._writer.close()

    def add(self, group: str, values: Mapping[str, float], *, step: int) -> None:
        """Write numbers under `group/name`; `step` counts from the beginning of the run, whatever its epochs."""
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(f"{group}/{name}", value, step)

    def flush(self) -> None:
        """See what was added so far to the disk."""
        if self._writer is not None:
            self._writer.flush()


def _await_a_later_name(folder: Path) -> None:
    """Wait out the second in which another file was opened here.

    TensorBoard reads files in the order of their names. These begin with the second and end with process numbers and
    counters, which do not sort: of two files of one second the later one may be read first.
    """
    opened = [int(path.name.split(".")[3]) for path in folder.glob("events.out.tfevents.[0-9]*")]
    while int(time.time()) in opened:
        time.sleep(0.05)
