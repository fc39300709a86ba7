"""The checksum's published values, by the direct call and by the package's own function."""

import google_crc32c
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.schema import crc32c as module
from pipeline.schema.crc32c import WITH_ITS_CHECKSUM, crc32c

RFC_3720 = [(bytes(32), 0x8A9136AA), (bytes([0xFF] * 32), 0x62A8AB43), (bytes(range(32)), 0x46DD794E)]
"""RFC 3720, appendix B.4."""


@pytest.mark.parametrize(("data", "expected"), RFC_3720)
@pytest.mark.parametrize("direct", [True, False])
def test_the_published_values(data: bytes, expected: int, direct: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not direct:
        monkeypatch.setattr(module, "_library", lambda: None)
    assert crc32c(np.frombuffer(data, np.uint8)) == expected


@pytest.mark.parametrize("size", [0, 1, module.SHORT - 1, module.SHORT, module.SHORT + 1])
def test_every_way_gives_the_packages_own_value(size: int) -> None:
    data = np.random.default_rng(size).integers(0, 256, size=size, dtype=np.uint8)
    expected = google_crc32c.value(data.tobytes())
    assert crc32c(data) == expected
    data.flags.writeable = False
    assert crc32c(data) == expected


@given(st.binary(max_size=300), st.integers(0, 10**6))
def test_bytes_with_their_checksum_behind_them_have_one_checksum(data: bytes, at: int) -> None:
    whole = np.frombuffer(data + crc32c(np.frombuffer(data, np.uint8)).to_bytes(4, "little"), np.uint8)
    assert crc32c(whole) == WITH_ITS_CHECKSUM
    flipped = whole.copy()
    flipped[at % len(whole)] ^= 1 << at % 8
    assert crc32c(flipped) != WITH_ITS_CHECKSUM
