"""A task as a worker runs it: what is wrong with its disk is told in a plain line, and heavy work goes one by one."""

import errno
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

from pipeline.schema.errors import NoldoError
from pipeline.schema.layout import RunLayout

Result = TypeVar("Result")


class InRun(Protocol):
    """A job of any kind of build."""

    @property
    def run(self) -> RunLayout:
        """The run directory that it works in."""
        ...


ADVICE: Final = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space or raise the quota",
    errno.EROFS: "make the folder writable",
    errno.EACCES: "make the folder writable",
    errno.EPERM: "make the folder writable",
    errno.EIO: "check the disk",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}
"""What to do about an error that is the machine's, not ours."""

_alone = threading.Lock()


def run_plainly(task: Callable[..., Result], job: InRun, *arguments: Any) -> Result:
    """Run a task; NoldoError where the run directory cannot be written or read."""
    try:
        return task(job, *arguments)
    except OSError as error:
        advice = ADVICE.get(error.errno or 0)
        if advice is None:
            raise
        where = error.filename or job.run.root
        raise NoldoError(
            f"{error.strerror or error}: {where}; {advice}, then run the same command again to go on"
        ) from error


def run_alone(task: Callable[..., Result], job: InRun, *arguments: Any) -> Result:
    """The same, for a task that takes so much memory that a worker process runs one at a time."""
    with _alone:
        return run_plainly(task, job, *arguments)
