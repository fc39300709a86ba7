"""Whatever is killed, and whenever: the same command goes on, and ends in the same data.

`NOLDO_KILLS=30 pytest tests/faults/test_killed_anywhere.py` kills as often; NOLDO_KILLS_SEED draws other moments.
"""

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

Noldo = Callable[..., Any]
"""Runs `noldo ARGUMENTS...` to its end, see tests/conftest.py."""

KILLS = int(os.environ.get("NOLDO_KILLS", "3"))
SEED = int(os.environ.get("NOLDO_KILLS_SEED", "0"))

TARGETS = ("driver", "worker", "emulator")

STARTING = 0.15
"""Share of the kills that strike before the first stage has begun."""


class Killer:
    """Draws moments and victims, and remembers them."""

    def __init__(self, kills: int, work_s: float, kill: Callable[[psutil.Process], None]) -> None:
        self.left = kills
        self.counts: Counter[str] = Counter()
        self.log: list[str] = []
        self._random = random.Random(SEED)
        self._work_s = work_s
        self._kill = kill

    def wait_for_moment(self, build: Any, worked_s: float) -> float | None:
        """Wait for a random moment of the work that is left; the seconds worked, None where the build ends before."""
        early = self._random.random() < STARTING
        share = self._random.random()
        if not build.wait_for_event('"event": "start"' if early else '"event": "stage"'):
            return None
        pause_s = share * (1.0 if early else max(self._work_s - worked_s, self._work_s / 4))
        began = time.monotonic()
        while time.monotonic() < began + pause_s:
            if build.process.poll() is not None:
                return None
            time.sleep(0.01)
        return 0.0 if early else pause_s

    def strike(self, build: Any) -> str:
        """Kill the driver, a worker or the emulator; returns which."""
        found = {"worker": build.workers(), "emulator": build.emulators()}
        target = self._random.choice(TARGETS)
        if not found.get(target):
            target = "driver"
        self._kill(psutil.Process(build.process.pid) if target == "driver" else self._random.choice(found[target]))
        self.left -= 1
        self.counts[target] += 1
        self.log.append(f"{target} at {build.log().count(chr(10))} events")
        return target


def work_seconds(run: Path) -> float:
    """How long the stages of an undisturbed build took."""
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    times = [time.mktime(time.strptime(e["time"][:19], "%Y-%m-%dT%H:%M:%S")) for e in events if e["event"] != "start"]
    return max(times[-1] - times[0], 1.0)


@pytest.mark.timeout(300 + 120 * KILLS)
def test_killed_anywhere_and_resumed(
    small_run: tuple[Path, Any],
    small_recipe: Path,
    tmp_path: Path,
    start_build: Callable[..., Any],
    kill: Callable[[psutil.Process], None],
    all_ended: Callable[[list[psutil.Process]], None],
    same_as: Callable[[Path, Path], None],
    noldo: Noldo,
) -> None:
    reference, ended = small_run
    killer = Killer(KILLS, work_seconds(reference), kill)
    runs = 0
    while killer.left:
        out = tmp_path / f"run-{runs}"
        runs += 1
        disturb_until_finished(small_recipe, out, killer, start_build, all_ended)
        again = noldo("build", small_recipe, "--out", out, "--json")
        assert again.json["parts_made"] == 0, "a finished build has nothing left to do"
        assert again.json["content_digest"] == ended.json["content_digest"]
        assert again.json["funnel"] == ended.json["funnel"]
        same_as(out, reference)
    print(f"{KILLS} kills, {dict(killer.counts)}, in {runs} builds: {killer.log}")  # noqa: T201 -- of a long run


def disturb_until_finished(
    recipe: Path, out: Path, killer: Killer, start_build: Callable[..., Any], all_ended: Callable[..., None]
) -> None:
    """Run the same command until it succeeds, killing while there are kills left."""
    worked_s = 0.0
    for _ in range(killer.left + 1):
        build, struck = start_build(recipe, out), set()
        everyone: set[psutil.Process] = set()
        while killer.left and "driver" not in struck and "emulator" not in struck:
            moment = killer.wait_for_moment(build, worked_s)
            if moment is None:
                break
            worked_s += moment
            everyone |= set(build.children())
            struck.add(killer.strike(build))
        status = build.wait()
        all_ended(list(everyone))
        if status == 0:
            return
        assert struck & {"driver", "emulator"}, build.said()
        if "driver" not in struck:
            assert status == 1
            assert "local Earth Engine" in build.ended_plainly()
    raise AssertionError("the build did not succeed although nobody killed anything")
