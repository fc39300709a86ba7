import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import event_log
from pipeline.event_log import EventLog, EventTail, read_events
from pipeline.files import file_sizes, write_bytes
from pipeline.schema.paths import AnyPath


@pytest.fixture(params=["disk", "bucket"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> AnyPath:
    if request.param == "disk":
        return tmp_path / "run" / "events.jsonl"
    bucket: Callable[[], AnyPath] = request.getfixturevalue("bucket")
    return bucket() / "events.jsonl"


def test_events_of_several_runs_are_read_in_order(path: AnyPath) -> None:
    assert list(read_events(path)) == []
    for run in range(3):
        log = EventLog(path)
        log.append([{"run": run, "at": 0}, {"run": run, "at": 1}])
        log.append([{"run": run, "at": 2}])
        log.append([])
        log.close()
    assert list(read_events(path)) == [{"run": run, "at": at} for run in range(3) for at in range(3)]


def test_nothing_is_written_where_nothing_happened(path: AnyPath) -> None:
    EventLog(path).close()
    assert file_sizes(path.parent) == {}


def test_threads_lose_no_event(path: AnyPath) -> None:
    log = EventLog(path, flush_s=0.01)

    def add(thread: int) -> None:
        for at in range(50):
            log.append([{"thread": thread, "at": at}])

    threads = [threading.Thread(target=add, args=(t,)) for t in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    found = [(event["thread"], event["at"]) for event in read_events(path)]
    assert sorted(found) == [(t, at) for t in range(4) for at in range(50)]
    assert [at for t, at in found if t == 2] == list(range(50))


def test_a_line_cut_by_a_kill_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"at": 0}\n{"at": 1, "mess')
    EventLog(path).append([{"at": 2}])
    assert list(read_events(path)) == [{"at": 0}, {"at": 2}]


def test_events_appear_in_the_bucket_while_the_build_runs(bucket: Callable[[], AnyPath]) -> None:
    path = bucket() / "events.jsonl"
    log = EventLog(path, flush_s=0.05)
    log.append([{"at": 0}])
    deadline = time.monotonic() + 20
    while not list(read_events(path)):
        assert time.monotonic() < deadline, "the event did not appear"
        time.sleep(0.05)
    log.close()


def test_a_full_segment_is_followed_by_another(bucket: Callable[[], AnyPath], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "SEGMENT_BYTES", 100)
    path = bucket() / "events.jsonl"
    log = EventLog(path, flush_s=0.02)
    for at in range(20):
        log.append([{"at": at, "words": "x" * 40}])
        time.sleep(0.01)
    log.close()
    assert [event["at"] for event in read_events(path)] == list(range(20))
    assert len(file_sizes(path.parent)) > 1


def test_a_write_that_fails_is_tried_again(bucket: Callable[[], AnyPath], monkeypatch: pytest.MonkeyPatch) -> None:
    path = bucket() / "events.jsonl"
    tried = []

    def fail_twice(path: AnyPath, data: bytes) -> None:
        tried.append(path)
        if len(tried) < 3:
            raise OSError("slow down")
        write_bytes(path, data)

    monkeypatch.setattr(event_log, "write_bytes", fail_twice)
    log = EventLog(path, flush_s=0.01)
    log.append([{"at": 0}])
    while len(tried) < 3:
        time.sleep(0.01)
    log.close()
    assert list(read_events(path)) == [{"at": 0}]


def test_a_tail_gives_each_event_once_as_it_is_written(path: AnyPath) -> None:
    tail = EventTail(path)
    assert list(tail.new()) == []
    found = []
    for run in range(2):
        log = EventLog(path, flush_s=60.0)
        log.append([{"run": run, "at": 0}])
        if run:
            log._writer._flush() if isinstance(log._writer, event_log._SegmentWriter) else None
            found += list(tail.new())
        log.append([{"run": run, "at": 1}])
        log.close()
        found += list(tail.new())
    assert found == [{"run": run, "at": at} for run in range(2) for at in range(2)]
    assert list(tail.new()) == []


def test_a_tail_waits_for_the_end_of_a_line_and_passes_over_what_is_no_event(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    tail = EventTail(path)
    path.write_text('{"at": 0}\nnonsense\n[1]\n{"at"')
    assert list(tail.new()) == [{"at": 0}]
    with path.open("a") as file:
        file.write(": 1}\n")
    assert list(tail.new()) == [{"at": 1}]
