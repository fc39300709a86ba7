"""`noldo emulator serve`: where it listens."""

from collections.abc import Callable
from typing import Any


def test_an_address_of_another_machine_is_refused(noldo_here: Callable[..., Any]) -> None:
    """192.0.2.1 is nobody's (RFC 5737)."""
    ended = noldo_here("emulator", "serve", "--host", "192.0.2.1", "--port", "0")
    assert ended.status == 2
    assert "port 0 cannot be used at 192.0.2.1" in ended.err
