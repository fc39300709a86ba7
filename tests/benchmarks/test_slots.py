import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.process_meter import CpuTimes
from benchmarks.slots import Reading, steady_state
from pipeline.schema.errors import UsageError


def readings(busy: list[float], answered: list[int], every_s: float = 0.5, cpu_s: float = 0.1) -> list[Reading]:
    """Readings `every_s` apart, with so many slots busy between one and the next."""
    integral, found = 0.0, []
    for step, (slots, done) in enumerate(zip(busy, answered, strict=True)):
        cpu = CpuTimes(step * cpu_s, step * cpu_s / 5)
        found.append(Reading(100 + step * every_s, integral, done, cpu))
        integral += slots * every_s
    return found


def test_beginning_and_end_do_not_count() -> None:
    # 4 slots: idle until 4 are answered, wholly busy, then idle again for the last 8.
    busy = [0, 1, 4, 4, 4, 4, 1, 0]
    answered = [0, 0, 4, 8, 12, 16, 24, 24]
    steady = steady_state(readings(busy, answered), slots=4)
    assert steady.busy_share == pytest.approx(1.0)
    assert steady.seconds == pytest.approx(1.5)
    assert steady.answered == 12
    assert steady.answered_per_s == pytest.approx(8.0)


def test_idle_slots_in_the_middle_count() -> None:
    steady = steady_state(readings([4, 4, 2, 3, 1, 4], [0, 4, 6, 9, 17, 17]), slots=4)
    assert steady.busy_share == pytest.approx((4 + 2) / 2 / 4)


def test_cpu_is_that_of_the_steady_state_a_request() -> None:
    steady = steady_state(readings([4] * 5, [0, 4, 6, 9, 17], cpu_s=0.25), slots=4)
    assert steady.user_cpu_ms == pytest.approx(2 * 250 / 5)
    assert steady.system_cpu_ms == pytest.approx(2 * 50 / 5)


@given(share=st.floats(0.05, 1.0), slots=st.integers(1, 40), steps=st.integers(2, 30))
@settings(deadline=None, max_examples=30)
def test_a_constant_share_is_found_again(share: float, slots: int, steps: int) -> None:
    answered = [slots + step for step in range(steps)] + [3 * slots + steps]
    found = steady_state(readings([share * slots] * (steps + 1), answered), slots)
    assert found.busy_share == pytest.approx(share)


@pytest.mark.parametrize("answered", [[], [0, 1, 2], [0, 40, 80, 119], [40, 40, 120]])
def test_too_few_requests_are_told(answered: list[int]) -> None:
    with pytest.raises(UsageError, match="raise --count"):
        steady_state(readings([40.0] * len(answered), answered), slots=40)
