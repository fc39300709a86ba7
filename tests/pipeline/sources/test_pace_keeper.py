import math
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sources.pace_keeper import COOL_DOWN_S, Answer, PaceKeeper, Ticket


class Traffic:
    """Asks for as much as it may, and remembers when everything began."""

    def __init__(self, keeper: PaceKeeper) -> None:
        self.keeper = keeper
        self.numbers: Iterator[int] = iter(range(10**9))
        self.begun: list[float] = []
        self.under_way: list[Ticket] = []
        self.refused: list[Ticket] = []

    def ask(self, now: float, holder: str = "w", cost: float = 0.0) -> None:
        self.keeper.ask(Ticket(holder, next(self.numbers), cost))
        self.take(now)

    def end(self, now: float, kind: str) -> None:
        ticket = self.under_way.pop(0)
        self.keeper.end(ticket.holder, ticket.number, kind, now)
        self.take(now)

    def take(self, now: float) -> None:
        for answer in self.keeper.answers(now):
            if answer.granted:
                self.under_way.append(answer.ticket)
                self.begun.append(now)
            else:
                self.refused.append(answer.ticket)


STEPS = st.lists(st.tuples(st.sampled_from(["ask", "ok", "quota", "transient", "time", "leave"]), st.floats(0.0, 1.5)))


@settings(deadline=None, max_examples=200)
@given(concurrent=st.integers(1, 8), per_second=st.integers(1, 8), steps=STEPS)
def test_neither_limit_is_ever_passed(concurrent: int, per_second: int, steps: list[tuple[str, float]]) -> None:
    keeper = PaceKeeper(concurrent, per_second)
    traffic, now = Traffic(keeper), 0.0
    for index, (step, seconds) in enumerate(steps):
        limit = keeper.limit
        before = len(traffic.under_way)
        if step == "ask":
            traffic.ask(now, holder=f"w{index % 2}")
        elif step == "time":
            now += seconds
            traffic.take(now)
        elif step == "leave":
            keeper.leave("w0")
            traffic.under_way = [t for t in traffic.under_way if t.holder != "w0"]
            traffic.take(now)
        elif traffic.under_way:
            traffic.end(now, step)
        assert 1 <= keeper.limit <= concurrent
        assert len(traffic.under_way) == keeper.under_way
        assert keeper.under_way <= max(limit, keeper.limit, before - 1)
        for first, later in zip(traffic.begun, traffic.begun[per_second:], strict=False):
            assert later - first >= 1.0
    # Whatever happened, everybody is served in the end.
    while keeper.waiting or traffic.under_way:
        now += 1.0
        traffic.take(now)
        while traffic.under_way:
            traffic.end(now, "ok")
    assert keeper.under_way == 0


def test_the_limit_falls_once_a_cool_down_and_grows_by_one_a_window() -> None:
    keeper = PaceKeeper(40, 1000)
    traffic = Traffic(keeper)
    for _ in range(60):
        traffic.ask(0.0)
    assert keeper.under_way == 40
    for _ in range(5):
        traffic.end(10.0, "quota")
    assert keeper.limit == 28, "one burst of refusals lowers once"
    traffic.end(10.0 + COOL_DOWN_S, "quota")
    assert keeper.limit == 19
    for _ in range(20):
        traffic.end(13.0, "ok")
    assert keeper.limit == 20, "as many successes as there are places are worth one place"


def test_an_error_that_says_nothing_of_quota_moves_nothing() -> None:
    keeper = PaceKeeper(4, 1000)
    traffic = Traffic(keeper)
    for _ in range(3):
        traffic.ask(0.0)
    traffic.end(0.0, "quota")
    low = keeper.limit
    traffic.end(100.0, "transient")
    traffic.end(100.0, "")
    assert keeper.limit == low == 2


def test_the_limit_never_falls_to_nothing_and_comes_back_whole() -> None:
    keeper = PaceKeeper(5, 10**6)
    traffic = Traffic(keeper)
    for second in range(20):
        traffic.ask(10.0 * second)
        traffic.end(10.0 * second, "quota")
    assert keeper.limit == 1
    for _ in range(200):
        traffic.ask(300.0)
        traffic.end(300.0, "ok")
    assert keeper.limit == 5


def test_it_says_when_time_alone_will_let_the_next_one_through() -> None:
    keeper = PaceKeeper(10, 2)
    traffic = Traffic(keeper)
    for now in (0.0, 0.3, 0.4):
        traffic.ask(now)
    assert len(traffic.under_way) == 2
    due = keeper.wake_at(0.4)
    assert due == pytest.approx(1.0)
    traffic.take(math.nextafter(1.0, 0.0))
    assert len(traffic.under_way) == 2
    traffic.take(1.0)
    assert len(traffic.under_way) == 3
    assert keeper.wake_at(1.0) is None, "nobody waits"


def test_where_the_places_are_taken_time_changes_nothing() -> None:
    keeper = PaceKeeper(1, 100)
    traffic = Traffic(keeper)
    traffic.ask(0.0)
    traffic.ask(0.0)
    assert keeper.wake_at(0.0) is None


def test_what_a_holder_held_and_wanted_comes_back_when_it_leaves() -> None:
    keeper = PaceKeeper(2, 100)
    for number, holder in enumerate(["gone", "gone", "gone", "here"]):
        keeper.ask(Ticket(holder, number, 0.0))
    assert len(keeper.answers(0.0)) == 2
    keeper.leave("gone")
    assert keeper.answers(0.0) == [Answer(Ticket("here", 3, 0.0), granted=True)]
    keeper.end("gone", 0, "ok", 0.0)
    assert keeper.under_way == 1, "a late word of a holder that left changes nothing"


@settings(deadline=None, max_examples=100)
@given(budget=st.floats(0, 50), costs=st.lists(st.floats(0, 20)), refusals=st.sets(st.integers(0, 30)))
def test_the_budget_is_never_overspent(budget: float, costs: list[float], refusals: set[int]) -> None:
    keeper = PaceKeeper(3, 10**6, budget_eecu_s=budget)
    traffic = Traffic(keeper)
    spent = 0.0
    for index, cost in enumerate(costs):
        traffic.ask(float(index), cost=cost)
        while traffic.under_way:
            quota = index in refusals
            spent += 0.0 if quota else traffic.under_way[0].cost
            traffic.end(float(index), "quota" if quota else "ok")
    assert spent <= budget + 1e-6
    assert keeper.left_eecu_s == pytest.approx(budget - spent, abs=1e-6)
    assert keeper.waiting == 0, "what the budget does not hold is refused, not left waiting"
    assert all(ticket.cost > 0 for ticket in traffic.refused)


def test_what_the_budget_does_not_hold_is_refused_at_once_though_all_places_are_taken() -> None:
    keeper = PaceKeeper(1, 100, budget_eecu_s=10.0)
    traffic = Traffic(keeper)
    traffic.ask(0.0, cost=10.0)
    traffic.ask(0.0, cost=10.0)
    assert [ticket.number for ticket in traffic.refused] == [1]
    assert keeper.under_way == 1
