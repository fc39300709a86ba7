import os
import subprocess
import sys

from benchmarks.process_meter import ProcessMeter, child_processes

USED_S = 0.28
"""What a busy child has used at the least: the system counts in hundredths, of user and system time each."""

BUSY = "import sys, time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\nsys.stdin.read()"


def busy_child() -> "subprocess.Popen[bytes]":
    """A child that has used 0.3 s of CPU time, and waits."""
    child = subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    return child


def end(child: "subprocess.Popen[bytes]") -> None:
    child.communicate()


def test_children_count_and_stay_counted_when_they_have_ended() -> None:
    meter = ProcessMeter()
    before = meter.look().total_s
    child = busy_child()
    try:
        assert child.pid in child_processes()
        assert meter.look().total_s - before >= USED_S
        assert meter.child_peaks_bytes[0] > 1_000_000
    finally:
        end(child)
    assert meter.look().total_s - before >= USED_S


def test_who_is_left_out_does_not_count() -> None:
    child = busy_child()
    try:
        meter = ProcessMeter(leave_out=child_processes())
        meter.look()
        assert meter.child_peaks_bytes == []
        assert meter.look().total_s <= sum(os.times()[:2]) + 0.1
        assert meter.own_peak_bytes > 1_000_000
    finally:
        end(child)


def test_new_processes_are_sought_no_oftener_than_is_said() -> None:
    meter = ProcessMeter(child_processes(), find_every_s=3600.0)  # another test's may live as long as this process
    meter.look()
    child = busy_child()
    try:
        meter.look()
        assert meter.child_peaks_bytes == []
    finally:
        end(child)
