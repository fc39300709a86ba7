import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.cluster.scheduler_side import ClusterPace, end_build
from pipeline.cluster.words import ASK, END, GO, OP, OVER, SPENT, plugin_name, topic
from pipeline.sources.pace import PaceSettings


class FakeScheduler:
    """As much of a Dask scheduler as the plugin touches."""

    def __init__(self) -> None:
        self.extensions: dict[str, Any] = {}
        self.stream_handlers: dict[str, Callable[..., None]] = {}
        self.stream_comms = {"one": object(), "two": object()}
        self.plugins: dict[str, ClusterPace] = {}
        self.sent: list[tuple[str, int, str]] = []
        self.logged: list[tuple[str, str]] = []

    def worker_send(self, worker: str, message: dict[str, Any]) -> None:
        assert message["op"] == OP
        self.sent.append((worker, message["number"], message["answer"]))

    def log_event(self, name: str, message: str) -> None:
        self.logged.append((name, message))

    def remove_plugin(self, name: str) -> None:
        del self.plugins[name]

    def hear(self, worker: str, **message: Any) -> None:
        self.stream_handlers[OP](worker=worker, **message)

    def ask(self, worker: str, number: int, build: str = "b", cost: float = 0.0) -> None:
        self.hear(worker, build=build, number=number, what=ASK, cost=cost)

    def end(self, worker: str, number: int, kind: str = "ok") -> None:
        self.hear(worker, build="b", number=number, what=END, kind=kind)


async def started(
    scheduler: FakeScheduler, concurrent: int, per_second: int = 1000, budget: float | None = None, build: str = "b"
) -> ClusterPace:
    plugin = ClusterPace(build, f"client-{build}", PaceSettings(concurrent=concurrent, per_second=per_second), budget)
    await plugin.start(scheduler)  # type: ignore[arg-type]
    scheduler.plugins[plugin_name(build)] = plugin
    return plugin


def test_the_places_are_shared_by_all_workers() -> None:
    async def story() -> None:
        scheduler = FakeScheduler()
        await started(scheduler, concurrent=2)
        for worker, number in (("one", 0), ("two", 0), ("one", 1), ("two", 1)):
            scheduler.ask(worker, number)
        assert scheduler.sent == [("one", 0, GO), ("two", 0, GO)]
        scheduler.end("two", 0)
        assert scheduler.sent[2:] == [("one", 1, GO)]

    asyncio.run(story())


def test_a_dead_workers_places_go_to_the_others() -> None:
    async def story() -> None:
        scheduler = FakeScheduler()
        plugin = await started(scheduler, concurrent=2)
        for number in range(3):
            scheduler.ask("one", number)
        scheduler.ask("two", 0)
        del scheduler.stream_comms["one"]
        plugin.remove_worker(scheduler=scheduler, worker="one", stimulus_id="s")  # type: ignore[arg-type]
        assert scheduler.sent[2:] == [("two", 0, GO)]
        assert plugin.keeper.under_way == 1

    asyncio.run(story())


def test_a_refusal_for_quota_lowers_the_limit_of_all() -> None:
    async def story() -> None:
        scheduler = FakeScheduler()
        plugin = await started(scheduler, concurrent=10)
        scheduler.ask("one", 0)
        scheduler.end("one", 0, "quota")
        assert plugin.keeper.limit == 7

    asyncio.run(story())


def test_time_alone_lets_the_rest_through() -> None:
    async def story() -> None:
        scheduler = FakeScheduler()
        await started(scheduler, concurrent=10, per_second=2)
        for number in range(3):
            scheduler.ask("one", number)
        assert len(scheduler.sent) == 2
        for _ in range(200):
            await asyncio.sleep(0.02)
            if len(scheduler.sent) == 3:
                return
        raise AssertionError("the third never went")

    asyncio.run(story())


def test_a_spent_budget_is_told_to_the_driver_once() -> None:
    async def story() -> None:
        scheduler = FakeScheduler()
        await started(scheduler, concurrent=10, budget=5.0)
        for number in range(3):
            scheduler.ask("one", number, cost=5.0)
        assert [answer for _, _, answer in scheduler.sent] == [GO, SPENT, SPENT]
        assert scheduler.logged == [(topic("b"), SPENT)]

    asyncio.run(story())


@pytest.mark.parametrize("leaves", [True, False])
def test_a_build_that_is_over_grants_nothing_and_breaks_no_stream(leaves: bool) -> None:
    async def story() -> None:
        scheduler = FakeScheduler()
        plugin = await started(scheduler, concurrent=1)
        other = await started(scheduler, concurrent=1, build="other")
        scheduler.ask("one", 0)
        scheduler.ask("one", 1)
        if leaves:
            other.remove_client(scheduler, "client-b")  # type: ignore[arg-type]
            plugin.remove_client(scheduler, "client-b")  # type: ignore[arg-type]
        else:
            end_build("b", dask_scheduler=scheduler)  # type: ignore[arg-type]
        assert scheduler.sent[1:] == [("one", 1, OVER)]
        assert list(scheduler.plugins) == [plugin_name("other")]
        scheduler.end("one", 0)
        scheduler.ask("one", 2)
        assert scheduler.sent[2:] == [("one", 2, OVER)]
        scheduler.ask("two", 5, build="other")
        assert scheduler.sent[3:] == [("two", 5, GO)], "another build on the same cluster goes on"

    asyncio.run(story())
