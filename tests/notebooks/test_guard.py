import os
import subprocess
import sys
from pathlib import Path

GUARD = Path(__file__).parent / "guard"


def test_what_would_leave_this_machine_is_refused_and_told(tmp_path: Path) -> None:
    told = tmp_path / "asked.txt"
    program = (
        "import socket\n"
        "for host in ('127.0.0.1', '192.0.2.1', 'example.org'):\n"
        "    try:\n"
        "        socket.create_connection((host, 9), timeout=5)\n"
        "    except OSError as error:\n"
        "        print(host, 'nothing of a test' in str(error))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(GUARD), "NOLDO_OUTSIDE": str(told)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["127.0.0.1", "False", "192.0.2.1", "True", "example.org", "True"]
    assert told.read_text().splitlines() == ["socket.getaddrinfo 192.0.2.1", "socket.getaddrinfo example.org"]
