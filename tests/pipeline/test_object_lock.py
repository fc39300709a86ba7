import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace

import pytest

from pipeline import object_lock as module
from pipeline.files import file_sizes, open_path, write_bytes
from pipeline.object_lock import Claim, LockTimes, object_lock
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.paths import AnyPath

FAST = LockTimes(beat_s=0.2, expiry_s=1.0, settle_s=0.05)
STRANGER = Claim(token="other", host="far", machine="far 1", pid=7, since="2026-01-01T00:00:00+00:00")


@pytest.fixture
def out(bucket: Callable[[], AnyPath]) -> AnyPath:
    return bucket()


def put(out: AnyPath, claim: Claim) -> None:
    write_bytes(out / ".lock", json.dumps(asdict(claim)).encode())


def enter(out: AnyPath, said: list[str] | None = None, times: LockTimes = FAST) -> None:
    with object_lock(out, (said if said is not None else []).append, times):
        assert (out / ".lock").exists()


def test_a_lock_is_held_and_let_go(out: AnyPath) -> None:
    said: list[str] = []
    for _ in range(2):
        enter(out, said)
        assert file_sizes(out) == {}
    assert said == []


def test_a_build_that_lives_keeps_another_out(out: AnyPath) -> None:
    said: list[str] = []
    times = replace(FAST, expiry_s=60.0)
    with object_lock(out, said.append, times):
        with pytest.raises(UsageError, match=r"another build is running in s3://\S+ \(process \d+ on .*wait for it"):
            enter(out, said, times)
        assert (out / ".lock").exists()
    assert len(said) == 1
    assert "watching for 60 s whether it lives" in said[0]


def test_a_build_that_ends_meanwhile_makes_room(out: AnyPath) -> None:
    put(out, STRANGER)
    threading.Timer(0.3, (out / ".lock").unlink).start()
    enter(out)


def test_the_lock_of_a_machine_that_is_gone_is_taken_over_in_time(out: AnyPath) -> None:
    put(out, STRANGER)
    said: list[str] = []
    started = time.monotonic()
    enter(out, said)
    assert time.monotonic() - started >= FAST.expiry_s
    assert "taking over from a build that is gone (process 7 on far" in said[-1]
    assert file_sizes(out) == {}


def test_the_lock_of_a_dead_process_of_this_machine_is_taken_over_at_once(out: AnyPath) -> None:
    child = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    put(out, replace(STRANGER, machine=module._machine(), pid=int(child.stdout)))
    said: list[str] = []
    enter(out, said)
    assert len(said) == 1


def test_a_living_process_of_this_machine_is_not_dead() -> None:
    claim = replace(STRANGER, machine=module._machine(), pid=os.getpid())
    assert not module._is_dead(claim)
    assert not module._is_dead(replace(claim, machine="", pid=2**22 + 1))


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b"half {"])
def test_a_lock_that_says_nothing_expires_too(out: AnyPath, text: bytes) -> None:
    write_bytes(out / ".lock", text)
    enter(out)


def test_of_two_that_take_over_at_once_one_gets_it(out: AnyPath) -> None:
    put(out, STRANGER)
    held, refused, release = [], [], threading.Event()

    def build() -> None:
        try:
            with object_lock(out, lambda _: None, replace(FAST, settle_s=0.5)):
                held.append(1)
                release.wait(20)
        except UsageError:
            refused.append(1)
            release.set()

    builds = [threading.Thread(target=build) for _ in range(2)]
    for thread in builds:
        thread.start()
    for thread in builds:
        thread.join()
    assert (len(held), len(refused)) == (1, 1)


def test_a_build_whose_lock_was_taken_over_stops(out: AnyPath) -> None:
    @contextmanager
    def taken() -> Iterator[None]:
        with object_lock(out, lambda _: None, FAST):
            put(out, STRANGER)
            yield

    with pytest.raises(NoldoError, match="was taken over by another build"), taken():
        time.sleep(20)
    assert json.loads((out / ".lock").read_bytes())["host"] == "far"


def test_a_beat_that_fails_is_made_up_for(out: AnyPath, monkeypatch: pytest.MonkeyPatch) -> None:
    beats = []

    def fail_first(path: AnyPath, data: bytes) -> None:
        beats.append(data)
        if len(beats) == 1:
            raise OSError("no route to host")
        write_bytes(path, data)

    monkeypatch.setattr(module, "write_bytes", fail_first)
    with object_lock(out, lambda _: None, FAST):
        while len(beats) < 2:
            time.sleep(0.05)
    assert not (out / ".lock").exists()


def test_a_bucket_that_is_not_there_is_named(object_storage: str) -> None:
    with pytest.raises(UsageError, match=r"^cannot write to s3://nowhere/run: .*bucket does not exist; choose another"):
        enter(open_path("s3://nowhere/run"))
