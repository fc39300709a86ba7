"""A port that is free, one with an emulator, one with something else."""

import socket
from typing import Any

from pipeline.doctor import Health
from pipeline.doctor.port import check_port
from pipeline.schema.errors import NoldoError


def nobody(_: str) -> dict[str, Any]:
    raise NoldoError("no emulator answers")


def test_who_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        other = check_port(port, nobody)
        emulator = check_port(port, lambda url: {"seed": 7} if url.endswith(f":{port}") else {})
    free = check_port(port, nobody)
    assert (other.health, emulator.health, free.health) == (Health.NOTE, Health.OK, Health.OK)
    assert "another program" in other.found
    assert "planet 7" in emulator.found
    assert "is free" in free.found
