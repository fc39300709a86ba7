import os

import pytest

from benchmarks.pinned import pinned_process
from pipeline.schema.errors import UsageError

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cannot pin here")


def test_a_pinned_process_stays_on_its_core_and_leaves_this_one_alone() -> None:
    mine = os.sched_getaffinity(0)
    core = min(mine)
    with pinned_process([core]) as process:
        assert process.submit(os.sched_getaffinity, 0).result() == {core}
        assert process.submit(os.getpid).result() != os.getpid()
    assert os.sched_getaffinity(0) == mine


def test_a_system_that_cannot_pin_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_setaffinity")
    with pytest.raises(UsageError, match="run it on Linux"):
        pinned_process([0])
