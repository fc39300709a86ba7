"""How busy the service's slots were, from readings of the emulator's meter. Pure arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.process_meter import CpuTimes
from pipeline.schema.errors import UsageError


@dataclass(frozen=True)
class Reading:
    """The emulator's meter and the client's, at one moment."""

    clock_s: float
    """The emulator's clock."""
    busy_slot_s: float
    """Integral over time of the requests in flight."""
    answered: int
    """Requests answered with success so far."""
    client_cpu: CpuTimes
    """Of the client's processes so far."""


@dataclass(frozen=True)
class Steady:
    """What happened while neither the beginning nor the end of a run left slots empty."""

    seconds: float
    busy_share: float
    """Mean share of the slots that had a request in flight, 0..1."""
    answered: int
    answered_per_s: float
    user_cpu_ms: float
    """CPU time of the client's own code for each request answered, milliseconds."""
    system_cpu_ms: float
    """The same of the kernel on its behalf."""


def steady_state(readings: Sequence[Reading], slots: int) -> Steady:
    """The figures between the first and the last reading of the steady state.

    It begins when as many requests are answered as there are slots: all have then been taken once. It ends while
    twice as many are still to be answered: those in flight, and one for every slot that comes free. Raises
    UsageError where there are too few requests for that.
    """
    total = readings[-1].answered if readings else 0
    within = [r for r in readings if slots <= r.answered <= total - 2 * slots]
    if len(within) < 2 or within[-1].answered == within[0].answered:
        raise UsageError(f"{total} requests are too few for a steady state of {slots} slots; raise --count")
    first, last = within[0], within[-1]
    seconds, answered = last.clock_s - first.clock_s, last.answered - first.answered
    return Steady(
        seconds=seconds,
        busy_share=(last.busy_slot_s - first.busy_slot_s) / (seconds * slots),
        answered=answered,
        answered_per_s=answered / seconds,
        user_cpu_ms=(last.client_cpu.user_s - first.client_cpu.user_s) / answered * 1000,
        system_cpu_ms=(last.client_cpu.system_s - first.client_cpu.system_s) / answered * 1000,
    )
