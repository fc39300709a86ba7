"""The driver's end of a build: tasks fed to the cluster a few at a time, and what its workers report meanwhile."""

import hashlib
import itertools
import math
import queue
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from distributed import Client, Future, KilledWorker
from distributed.comm.core import CommClosedError

from pipeline.cluster.client import wait_until_idle
from pipeline.cluster.scheduler_side import ClusterPace, end_build
from pipeline.cluster.words import ATTEMPT, SPENT, topic
from pipeline.cluster.worker_side import ClusterLink
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.records import Attempt
from pipeline.sources.pace import PaceSettings

Result = TypeVar("Result")

CHAINS_PER_THREAD: Final = 2
"""Chains under way for every thread of the cluster: one that runs and one to go on with."""

FEWEST_CHAINS: Final = 8
"""Chains under way while the cluster has no worker yet."""

COUNT_EVERY_S: Final = 5.0
"""Workers may come and go; their threads are counted again after this many seconds."""

LOST: Final = "the connection to the Dask scheduler was lost; what was finished is kept: run the same command again"

KILLED: Final = (
    "a worker process died several times over the same part, perhaps for want of memory; "
    "run the same command again, with fewer --workers"
)

BUSY: Final = "workers are still busy with what was begun before; wait for them, then run the same command again"

NOT_INSTALLED: Final = (
    "the Dask cluster cannot load this program ({error}); install the same version of noldo where its scheduler and "
    "its workers run"
)


@dataclass(frozen=True)
class Chain(Generic[Result]):
    """Tasks to run one after another, each with the result of the one before as its argument."""

    name: str
    """For the dashboard, unique within a build."""
    tasks: Mapping[str, Callable[[Any], Result]]
    """By name, in order. They travel to the workers."""
    first: Any
    """Argument of the first task."""


class Crew:
    """Runs chains on the cluster. Results and attempts come to the one thread that runs them, in order."""

    def __init__(self, client: Client, link: ClusterLink, heard: "queue.SimpleQueue[Any]") -> None:
        """Made by `crew_of`."""
        self.link = link
        self.budget_spent = False
        self._client = client
        self._heard = heard
        self._on_attempt: Callable[[Attempt], None] = lambda _: None
        self._threads = 0
        self._counted = -math.inf
        self._runs = 0
        self._cut_short = False

    def run(self, chains: Iterable[Chain[Result]], on_attempt: Callable[[Attempt], None]) -> Iterator[Result]:
        """Every task's result as it ends; so many chains under way as keep the workers busy, whatever their number.

        Feeds no further chain once the budget is spent. Raises what a task raised, and NoldoError where the
        scheduler was lost or a part kills its workers.
        """
        if self._cut_short and not wait_until_idle(self._client, self.link.build):
            raise NoldoError(BUSY)
        self._runs, self._cut_short = self._runs + 1, False
        waiting = iter(chains)
        under_way: dict[str, list[Future[Result]]] = {}
        self._on_attempt = on_attempt
        try:
            while True:
                room = 0 if self.budget_spent else self._room() - len(under_way)
                for chain in itertools.islice(waiting, max(room, 0)):
                    under_way[chain.name] = self._submit(chain)
                if not under_way:
                    return
                name, ended = self._next_ended()
                if not any(ended is future for future in under_way.get(name, ())):
                    continue  # cancelled when an earlier run was cut short
                yield _result(ended)
                if ended is under_way[name][-1]:
                    del under_way[name]
        finally:
            self.hear_the_rest()
            left = [future for futures in under_way.values() for future in futures]
            if left and self._client.status == "running":
                self._cut_short = True
                self._client.cancel(left)

    def _submit(self, chain: Chain[Result]) -> "list[Future[Result]]":
        """The chain's futures, for as long as which the scheduler remembers its tasks."""
        before, futures = chain.first, []
        for depth, (name, task) in enumerate(chain.tasks.items()):
            # A key of its own a run: the scheduler knows those of a run that was cut short as cancelled.
            key = f"{name}-{chain.name}-{self._runs}-{self.link.build}"
            before = self._client.submit(task, before, key=key, pure=False, priority=depth)
            before.add_done_callback(lambda ended: self._heard.put((chain.name, ended)))
            futures.append(before)
        return futures

    def _room(self) -> int:
        if time.monotonic() - self._counted >= COUNT_EVERY_S:
            self._threads = sum(self._client.nthreads().values())
            self._counted = time.monotonic()
        return max(CHAINS_PER_THREAD * self._threads, FEWEST_CHAINS)

    def _next_ended(self) -> "tuple[str, Future[Any]]":
        while True:
            heard = self._heard.get()
            if isinstance(heard, tuple):
                return heard
            self._take(heard)

    def hear_the_rest(self) -> None:
        """Take what workers have reported and nobody has heard yet."""
        while True:
            try:
                heard = self._heard.get_nowait()
            except queue.Empty:
                return
            if not isinstance(heard, tuple):
                self._take(heard)

    def _take(self, heard: Any) -> None:
        if heard == SPENT:
            self.budget_spent = True
        else:
            self._on_attempt(Attempt(**heard[ATTEMPT]))


@contextmanager
def crew_of(
    client: Client, folder: str, pace: PaceSettings, costs: Mapping[str, float], budget_eecu_s: float | None
) -> Iterator[Crew]:
    """Give the cluster a pace for one build of `folder` and listen to its workers; both end with the context.

    `costs` are the assumed EECU-seconds of a request by stage, `budget_eecu_s` what may still be spent, None for
    no budget. Raises UsageError where the scheduler cannot run our code, or workers still run for an earlier
    build of the folder.
    """
    tag = hashlib.sha256(folder.encode()).hexdigest()[:8]
    build = f"{tag}-{uuid.uuid4().hex[:8]}"
    running = client.cluster is None
    if running and not wait_until_idle(client, f"-{tag}-"):
        raise UsageError(f"workers of the cluster are still busy with an earlier build of {folder}; wait for them")
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
    try:
        client.register_plugin(ClusterPace(build, client.id, pace, budget_eecu_s))
    except (ImportError, AttributeError) as error:
        raise UsageError(NOT_INSTALLED.format(error=error)) from error
    client.subscribe_topic(topic(build), lambda event: heard.put(event[1]))
    crew = Crew(client, ClusterLink(build, costs), heard)
    try:
        yield crew
    finally:
        if client.status == "running":
            with suppress(CommClosedError):  # the scheduler may go at any moment
                client.run_on_scheduler(end_build, build)  # tasks get no further slot, so they end with their requests
                if running:
                    wait_until_idle(client, build)
            crew.hear_the_rest()  # of requests that were under way when the build was stopped


def _result(future: "Future[Result]") -> Result:
    try:
        return future.result()
    except KilledWorker as error:
        raise NoldoError(KILLED) from error
    except (CancelledError, CommClosedError) as error:
        raise NoldoError(LOST) from error
    except ImportError as error:
        raise UsageError(NOT_INSTALLED.format(error=error)) from error
