"""One build at a time in a run directory in object storage, or one of whatever else changes a folder there.

The lock is an object `.lock` that its owner writes anew every few seconds. One that stays as it is for a minute belongs
to a process that is gone, and is taken over; no clock is compared with another's. It is made with a conditional put,
which Amazon S3 (user guide, "Conditional writes") and Cloud Storage ("Request preconditions") decide for one of two at
once. Where a service has no such put, the later of two writers has it.
"""

import json
import os
import platform
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from upath import UPath

from pipeline.files import is_storage_error, remove, storage_reason, write_bytes, write_new
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.paths import AnyPath

Tell = Callable[[str], None]


@dataclass(frozen=True)
class LockTimes:
    """How fast a lock beats and dies."""

    beat_s: float = 10.0
    """How often the owner writes it anew."""
    expiry_s: float = 60.0
    """How long it must stay as it is before another build may take it over."""
    settle_s: float = 2.0
    """How long after taking it over the new owner looks again whether it is still its own."""


TIMES: Final = LockTimes()


@dataclass(frozen=True)
class LockWords:
    """What messages call the holder of a lock, and what they advise instead of waiting."""

    holder: str = "build"
    otherwise: str = "choose another --out"


WORDS: Final = LockWords()


@dataclass(frozen=True)
class Claim:
    """What a lock says of its owner."""

    token: str
    host: str
    machine: str
    """The host, its boot and its process numbers' name space: where `pid` means something."""
    pid: int
    since: str
    """Time of day at which the build began, ISO 8601, UTC; for people."""
    beat: int = 0

    def who(self) -> str:
        """The owner in words."""
        return f"process {self.pid} on {self.host}, since {self.since}"


@contextmanager
def object_lock(out: UPath, tell: Tell, times: LockTimes = TIMES, words: LockWords = WORDS) -> Iterator[None]:
    """Hold the folder `out`; `tell` hears why it takes long.

    Raises UsageError where it cannot be written to or another process holds it, and NoldoError where another took
    the lock over from this one, which must then have stood still for a minute.
    """
    lock = out / ".lock"
    claim = _own_claim()
    try:
        _acquire(lock, claim, tell, times, words)
    except Exception as error:
        if not isinstance(error, OSError) and not is_storage_error(error):
            raise
        raise UsageError(f"cannot write to {out}: {storage_reason(error)}; {words.otherwise}") from error
    heart = _Heart(lock, claim, times)
    heart.start()
    try:
        yield
    except KeyboardInterrupt:
        if heart.lost:
            raise NoldoError(f"{out} was taken over by another {words.holder}, so this one stopped") from None
        raise
    finally:
        heart.stop()


def _acquire(lock: UPath, claim: Claim, tell: Tell, times: LockTimes, words: LockWords) -> None:
    """Write our claim, once there is no other or the other's owner is gone."""
    seen, watched_s, told = _read(lock), 0.0, False
    while True:
        if seen is None:
            if write_new(lock, _plain(claim)):
                return
        elif seen.token == claim.token:
            return  # the put came through, and its answer got lost
        elif _is_dead(seen) or watched_s >= times.expiry_s:
            tell(f"taking over from a {words.holder} that is gone ({seen.who()})")
            _take_over(lock, claim, times, words)
            return
        elif not told:
            watched = f"watching for {times.expiry_s:.0f} s whether it lives"
            tell(f"another {words.holder} held {lock.parent} ({seen.who()}); {watched}")
            told = True
        pause_s = 0.0 if seen is None else min(times.beat_s / 4, times.expiry_s)
        time.sleep(pause_s)
        now = _read(lock)
        watched_s = watched_s + pause_s if now == seen else 0.0
        if now is not None and seen is not None and now != seen:
            raise UsageError(_held(lock.parent, words, now))
        seen = now


def _take_over(lock: UPath, claim: Claim, times: LockTimes, words: LockWords) -> None:
    remove(lock)
    write_new(lock, _plain(claim))
    time.sleep(times.settle_s)
    owner = _read(lock)
    if owner is None or owner.token != claim.token:
        raise UsageError(_held(lock.parent, words, owner))


def _held(out: AnyPath, words: LockWords, owner: Claim | None = None) -> str:
    who = f" ({owner.who()})" if owner is not None else ""
    return f"another {words.holder} is running in {out}{who}; wait for it or {words.otherwise}"


class _Heart(threading.Thread):
    """Writes the claim anew until it is stopped; interrupts the build where the lock is another's."""

    def __init__(self, lock: UPath, claim: Claim, times: LockTimes) -> None:
        super().__init__(name="run lock", daemon=True)
        self.lost = False
        self._lock, self._claim, self._times = lock, claim, times
        self._stopping = threading.Event()

    def run(self) -> None:
        """Beat; a beat that fails for want of a connection is made up for by the next."""
        while not self._stopping.wait(self._times.beat_s):
            try:
                owner = _read(self._lock)
                if owner is not None and owner.token != self._claim.token:
                    self.lost = True
                    # As Ctrl-C does, so that a main thread that waits for something wakes up.
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                    return
                self._claim = replace(self._claim, beat=self._claim.beat + 1)
                write_bytes(self._lock, _plain(self._claim))
            except Exception as error:
                if not isinstance(error, OSError) and not is_storage_error(error):
                    raise

    def stop(self) -> None:
        """Let go of the lock, unless it is another's."""
        self._stopping.set()
        self.join()
        try:
            owner = None if self.lost else _read(self._lock)
            if owner is not None and owner.token == self._claim.token:
                remove(self._lock)
        except Exception as error:  # why the run ended is worth more to the user; the lock grows old by itself
            if not isinstance(error, OSError) and not is_storage_error(error):
                raise


def _read(lock: UPath) -> Claim | None:
    try:
        # In one request: the owner writes it anew meanwhile, and a part of each would be refused.
        text = lock.fs.cat_file(lock.path)
    except FileNotFoundError:
        return None
    try:
        return Claim(**json.loads(text))
    except (ValueError, TypeError):
        return Claim(token="", host="an unknown host", machine="", pid=0, since="an unknown time")


def _plain(claim: Claim) -> bytes:
    return json.dumps(asdict(claim)).encode()


def _own_claim() -> Claim:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Claim(uuid.uuid4().hex, platform.node(), _machine(), os.getpid(), now)


def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{platform.node()} {boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""  # not Linux: nothing is known of another process, so that its lock must expire


def _is_dead(claim: Claim) -> bool:
    """Whether the owner ran on this machine and runs no more."""
    if not claim.machine or claim.machine != _machine():
        return False
    try:
        os.kill(claim.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
