import json
from typing import Any

from pipeline.emulator.replies import Reply
from pipeline.emulator.service import COMPUTE_VALUE
from pipeline.emulator.workers import Here

BODY = json.dumps({"expression": {"result": "0", "values": {"0": {"constantValue": [1]}}}}).encode()


def test_this_process_answers(world: Any) -> None:
    here = Here(world)
    assert here(COMPUTE_VALUE, BODY) == Reply(200, "application/json; charset=UTF-8", b'{"result": [1]}')
    here.close()
