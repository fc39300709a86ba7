"""On a real scheduler and two real workers, all within this process."""

import os
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from distributed import Client, LocalCluster

from pipeline.cluster.crew import CHAINS_PER_THREAD, FEWEST_CHAINS, Chain, Crew, crew_of
from pipeline.schema.errors import NoldoError
from pipeline.schema.records import Attempt
from pipeline.sources.pace import BudgetSpentError, Link, PaceSettings

ATTEMPT = Attempt("export", "place", 1, "ok", "", 1.5, 10)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    cluster = LocalCluster(
        n_workers=2,
        threads_per_worker=4,
        processes=False,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        protocol="tcp",
    )
    with cluster, Client(cluster) as client:
        yield client


class Peak:
    """The most at once, over all threads of this process."""

    def __init__(self) -> None:
        self.now = self.most = self.all = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self.now += 1
            self.all += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.now -= 1


PEAK = Peak()


def asking(link: Link, times: int, cost: float, before: Any) -> int:
    bound = link.bind()

    def ask() -> None:
        for _ in range(times):
            with bound.pace.slot(cost) as slot, PEAK:
                time.sleep(0.005)
                slot.ended("ok")
            bound.report(ATTEMPT)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 3 * times


def plus(number: int, before: int) -> int:
    return before + number


def crew(client: Client, concurrent: int = 40, budget: float | None = None) -> Any:
    return crew_of(client, f"/folder/{os.getpid()}", PaceSettings(concurrent=concurrent), {}, budget)


def ignore(_: Attempt) -> None:
    pass


def test_each_chain_runs_in_its_order_and_every_result_comes(client: Client) -> None:
    tasks = {"one": partial(plus, 1), "ten": partial(plus, 10)}
    with crew(client) as team:
        results = list(team.run((Chain(str(i), tasks, 100 * i) for i in range(30)), ignore))
    assert sorted(results) == sorted([100 * i + 1 for i in range(30)] + [100 * i + 11 for i in range(30)])


def test_no_more_chains_are_made_than_keep_the_workers_busy(client: Client) -> None:
    made = 0

    def chains() -> Iterator[Chain[int]]:
        nonlocal made
        for number in range(100):
            made += 1
            yield Chain(str(number), {"plus": partial(plus, 1)}, number)

    with crew(client) as team:
        ended = 0
        for _ in team.run(chains(), ignore):
            ended += 1
            assert made - ended <= max(CHAINS_PER_THREAD * 8, FEWEST_CHAINS)
    assert ended == made == 100


def test_the_limit_holds_over_all_workers_and_every_attempt_is_heard(client: Client) -> None:
    PEAK.most = PEAK.all = 0
    heard: list[Attempt] = []
    with crew(client, concurrent=3) as team:
        tasks = {"ask": partial(asking, team.link, 5, 0.0)}
        asked = sum(team.run((Chain(str(i), tasks, None) for i in range(6)), heard.append))
    assert PEAK.all == asked == 90
    assert PEAK.most == 3
    assert heard == [ATTEMPT] * 90, "all of them, before the last result"


def test_a_spent_budget_stops_the_feeding(client: Client) -> None:
    PEAK.all = 0
    made: list[int] = []

    def chains(team: Crew) -> Iterator[Chain[int]]:
        for number in range(200):
            made.append(number)
            yield Chain(str(number), {"ask": partial(spending, team.link)}, None)

    with crew(client, budget=20.0) as team:
        results = list(team.run(chains(team), ignore))
        assert team.budget_spent
    assert sum(results) == 20, "what the budget holds, and not one more"
    assert len(made) < 200


def spending(link: Link, before: Any) -> int:
    try:
        with link.bind().pace.slot(1.0) as slot:
            slot.ended("ok")
    except BudgetSpentError:
        return 0
    return 1


def failing(before: Any) -> int:
    raise NoldoError("a plain line")


def test_a_tasks_error_comes_as_it_is_and_ends_the_rest(client: Client) -> None:
    with crew(client) as team, pytest.raises(NoldoError, match="a plain line"):
        list(team.run([Chain("bad", {"fail": failing, "plus": partial(plus, 1)}, 0)], ignore))
    with crew(client) as team:
        assert list(team.run([Chain("good", {"plus": partial(plus, 1)}, 0)], ignore)) == [1]


DAMAGE = {"damaged": True}


def third_damaged(number: int, before: int) -> int:
    with PEAK:
        time.sleep(0.05 * (1 + number % 4))
    if number == 3 and DAMAGE["damaged"]:
        raise NoldoError("a plain line")
    return before


def test_after_a_run_that_was_cut_short_the_same_chains_run_anew(client: Client) -> None:
    def chains() -> Iterator[Chain[int]]:
        assert PEAK.now == 0, "what was cut short has ended"
        for number in range(12):
            yield Chain(str(number), {"third": partial(third_damaged, number), "plus": partial(plus, 1)}, number)

    with crew(client) as team:
        DAMAGE["damaged"] = True
        for _ in range(3):
            with pytest.raises(NoldoError, match="a plain line"):
                list(team.run(chains(), ignore))
        DAMAGE["damaged"] = False
        assert sorted(team.run(chains(), ignore)) == sorted([*range(12), *range(1, 13)])


def test_two_builds_share_a_cluster_each_at_its_own_pace(client: Client) -> None:
    with crew(client, concurrent=1) as one, crew(client, concurrent=2) as two:
        for team in (one, two):
            tasks = {"ask": partial(asking, team.link, 2, 0.0)}
            assert list(team.run([Chain("a", tasks, None)], ignore)) == [6]
