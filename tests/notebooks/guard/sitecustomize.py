"""Python takes this up by itself where its folder is on the path: notes every wish to leave this machine, and refuses.

The file that NOLDO_OUTSIDE names gets a line each.
"""

import os
import sys
from pathlib import Path
from typing import Any

HERE = ("127.0.0.1", "localhost", "::1", "0.0.0.0", "", None)


def refuse_outside(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook (Python library reference, 'Audit events table')."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host not in HERE:
        with Path(os.environ["NOLDO_OUTSIDE"]).open("a") as file:
            file.write(f"{event} {host}\n")
        raise OSError(f"{event} of {host}: nothing of a test may leave this machine")


if "NOLDO_OUTSIDE" in os.environ:
    sys.addaudithook(refuse_outside)
