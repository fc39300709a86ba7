"""The pace of a whole cluster, kept where all workers are known: in the scheduler."""

import asyncio
import time
from typing import Any

from distributed import Scheduler, SchedulerPlugin

from pipeline.cluster.words import ASK, GO, OP, OVER, SPENT, plugin_name, topic
from pipeline.sources.pace import PaceSettings
from pipeline.sources.pace_keeper import PaceKeeper, Ticket


class ClusterPace(SchedulerPlugin):
    """Hands out the slots of one build to the workers; ends with the client that began it.

    What a worker held comes back when it leaves. Asked by a build that is over, it says so, and tasks that
    still run for it end soon.
    """

    def __init__(self, build: str, client_id: str, settings: PaceSettings, budget_eecu_s: float | None) -> None:
        """`budget_eecu_s` is what the build may still spend; without it there is no budget."""
        self.name = plugin_name(build)
        self._build = build
        self._client_id = client_id
        self.keeper = PaceKeeper(settings.concurrent, settings.per_second, budget_eecu_s)
        self._timer: asyncio.TimerHandle | None = None
        self._told_spent = False

    async def start(self, scheduler: Scheduler) -> None:
        """Listen to the workers."""
        self._scheduler = scheduler
        scheduler.extensions.setdefault(OP, {})[self._build] = self

        def heard(worker: str, build: str, number: int, **said: Any) -> None:
            plugin = scheduler.extensions[OP].get(build)
            if plugin is not None:
                plugin.heard(worker, number, **said)
            elif said["what"] == ASK:
                scheduler.worker_send(worker, {"op": OP, "number": number, "answer": OVER})

        # Never taken away: a message of a build that is over must not break the stream to its worker.
        scheduler.stream_handlers.setdefault(OP, heard)

    def heard(self, worker: str, number: int, *, what: str, cost: float = 0.0, kind: str = "") -> None:
        """A worker asks for a slot or gives one back."""
        if what == ASK:
            self.keeper.ask(Ticket(worker, number, cost))
        else:
            self.keeper.end(worker, number, kind, time.monotonic())
        self._hand_out()

    def remove_worker(self, scheduler: Scheduler, worker: str, **_: Any) -> None:  # noqa: ARG002 -- as Dask calls it
        """Take back what a worker held."""
        self.keeper.leave(worker)
        self._hand_out()

    def remove_client(self, scheduler: Scheduler, client: str) -> None:
        """End with the build's client, however it left."""
        if client == self._client_id:
            end_build(self._build, dask_scheduler=scheduler)

    async def close(self) -> None:
        """End with the scheduler."""
        self.end()

    def end(self) -> None:
        """Refuse what waits, and whatever is asked from now on."""
        self._scheduler.extensions[OP].pop(self._build, None)
        if self._timer is not None:
            self._timer.cancel()
        for ticket in self.keeper.dismiss():
            self._answer(ticket, OVER)

    def _hand_out(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = time.monotonic()
        for answer in self.keeper.answers(now):
            self._answer(answer.ticket, GO if answer.granted else SPENT)
            if not answer.granted and not self._told_spent:
                self._told_spent = True
                self._scheduler.log_event(topic(self._build), SPENT)
        due = self.keeper.wake_at(now)
        if due is not None:
            self._timer = asyncio.get_running_loop().call_later(due - now, self._hand_out)

    def _answer(self, ticket: Ticket, answer: str) -> None:
        if ticket.holder in self._scheduler.stream_comms:
            self._scheduler.worker_send(ticket.holder, {"op": OP, "number": ticket.number, "answer": answer})


def end_build(build: str, dask_scheduler: Scheduler) -> None:
    """End the pace of a build; to be run on the scheduler."""
    plugin: ClusterPace | None = dask_scheduler.extensions[OP].get(build)
    if plugin is not None:
        plugin.end()
        dask_scheduler.remove_plugin(plugin.name)
