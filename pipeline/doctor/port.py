"""The emulator's port on this machine: free, an emulator's, or another program's."""

import socket
from collections.abc import Callable
from typing import Any

from pipeline.doctor.finding import Finding, Health
from pipeline.schema.errors import NoldoError


def check_port(port: int, planet_of: Callable[[str], dict[str, Any]]) -> Finding:
    """Who listens at `port`; `planet_of` says which planet an emulator at a URL serves, NoldoError where none does."""
    url = f"http://127.0.0.1:{port}"
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except PermissionError:
            return Finding("Emulator", Health.NOTE, f"port {port} may not be used", "take one of 1024 and more")
        except OSError:
            free = False
        else:
            free = True
    if free:
        return Finding("Emulator", Health.OK, f"port {port} is free for 'noldo emulator serve'")
    try:
        planet = planet_of(url)
    except NoldoError:
        advice = "builds choose a free port themselves; give 'noldo emulator serve' another --port"
        return Finding("Emulator", Health.NOTE, f"another program listens at port {port}", advice)
    return Finding("Emulator", Health.OK, f"one runs at {url}, planet {planet.get('seed')}")
