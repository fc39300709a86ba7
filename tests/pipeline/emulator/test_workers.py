import json
import multiprocessing
from typing import Any

from pipeline.emulator.replies import Reply
from pipeline.emulator.service import COMPUTE_VALUE
from pipeline.emulator.workers import Here, Pool

BODY = json.dumps({"expression": {"result": "0", "values": {"0": {"constantValue": [1]}}}}).encode()


def test_this_process_answers(world: Any) -> None:
    here = Here(world)
    assert here(COMPUTE_VALUE, BODY) == Reply(200, "application/json; charset=UTF-8", b'{"result": [1]}')
    here.close()


def test_another_process_answers_and_is_gone_after() -> None:
    pool = Pool(dict, 1)  # type: ignore[arg-type]  # no function called here needs a world
    try:
        assert pool(COMPUTE_VALUE, BODY).body == b'{"result": [1]}'
    finally:
        pool.close()
    assert multiprocessing.active_children() == []
