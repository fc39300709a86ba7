"""SIGTERM and SIGHUP end a command as Ctrl-C does, once, and are left alone where somebody has taken them."""

import signal
import subprocess
import sys
import time

import pytest

CHILD = """
import signal, subprocess, sys, time
from pipeline.cli.told_to_end import ToldToEnd, end_as_by_ctrl_c
end_as_by_ctrl_c()
try:
    print("ready", flush=True)
    time.sleep(30)
except KeyboardInterrupt as error:
    print("ending", flush=True)
    time.sleep(0.5)  # what is to be ended takes a while
    begun_meanwhile = subprocess.run(
        [sys.executable, "-c", "import signal; print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)"],
        capture_output=True, text=True,
    )
    print("ended", error, begun_meanwhile.stdout.strip(), flush=True)
    sys.exit(error.exit_status)
"""


def child(before: str = "") -> "subprocess.Popen[str]":
    process = subprocess.Popen([sys.executable, "-c", before + CHILD], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_the_first_signal_ends_and_the_next_do_not_cut_that_short(number: signal.Signals, status: int) -> None:
    with child() as process:
        process.send_signal(number)
        assert process.stdout is not None
        assert process.stdout.readline() == "ending\n"
        for again in (signal.SIGTERM, signal.SIGHUP):
            process.send_signal(again)
        assert process.stdout.readline() == f"ended ended by {number.name} True\n"
        assert process.wait(60) == status


def test_what_nohup_ignores_stays_ignored() -> None:
    with child("import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n") as process:
        process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 143
