"""The checksum's published values, by the direct call and by the package's own function."""

import numpy as np
import pytest

from training import crc32c as module
from training.crc32c import crc32c

RFC_3720 = [(bytes(32), 0x8A9136AA), (bytes([0xFF] * 32), 0x62A8AB43), (bytes(range(32)), 0x46DD794E)]
"""RFC 3720, appendix B.4."""


@pytest.mark.parametrize(("data", "expected"), RFC_3720)
@pytest.mark.parametrize("direct", [True, False])
def test_the_published_values(data: bytes, expected: int, direct: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not direct:
        monkeypatch.setattr(module, "_library", lambda: None)
    assert crc32c(np.frombuffer(data, np.uint8)) == expected
