"""What scheduler, workers and driver call the things they tell one another. Needs nothing of Dask."""

from typing import Final

OP: Final = "noldo-pace"
"""The stream operation, both ways between the scheduler and a worker."""

ASK: Final = "ask"
END: Final = "end"
"""A worker asks for a slot, and says how its request ended."""

GO: Final = "go"
SPENT: Final = "spent"
OVER: Final = "over"
"""The scheduler's answers: the slot is yours, the budget is spent, the build is over."""

ATTEMPT: Final = "attempt"
"""Key of an attempt's fields in an event; Dask adds keys of its own beside it."""


def plugin_name(build: str) -> str:
    """The scheduler plugin of one build: two builds may share a cluster."""
    return f"noldo-pace-{build}"


def topic(build: str) -> str:
    """The topic under which a build's workers report."""
    return f"noldo-{build}"
