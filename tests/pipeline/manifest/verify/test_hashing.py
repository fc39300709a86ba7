"""SHA-256 of messages side by side is hashlib's, however they are cut."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.manifest.verify import hashing
from pipeline.manifest.verify.hashing import Message, take
from pipeline.manifest.verify.sha256_lanes import BLOCK_BYTES, lanes

SIZES = st.lists(
    st.one_of(st.integers(0, 300), st.integers(0, 9).map(lambda n: n * BLOCK_BYTES)), min_size=1, max_size=5
)


def drawn(size: int) -> np.ndarray:
    return np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8)


@pytest.mark.parametrize("side_by_side", [True, False])
@settings(deadline=None, max_examples=60)
@given(sizes=SIZES)
def test_messages_of_any_lengths_have_the_digests_of_hashlib(side_by_side: bool, sizes: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if not side_by_side:
            patch.setattr(hashing, "lanes", lambda: None)
        data = [drawn(size) for size in sizes]
        messages = [Message() for _ in sizes]
        take(list(zip(messages, data, strict=True)))
        assert [m.digest() for m in messages] == [hashlib.sha256(d).digest() for d in data]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6)), max_size=12), st.integers(0, 130))
def test_parts_add_up_to_the_message(parts: list[tuple[int, int]], last: int) -> None:
    messages, taken = [Message() for _ in range(3)], [b"", b"", b""]
    begun: list[tuple[Message, np.ndarray]] = []
    for which, blocks in parts:
        data = drawn(blocks * BLOCK_BYTES)
        begun.append((messages[which], data))
        if blocks % 2:  # else it is taken together with what follows
            take(begun)
            begun = []
        taken[which] += data.tobytes()
    take([*begun, *((message, drawn(last)) for message in messages)])
    for message, whole in zip(messages, taken, strict=True):
        assert message.digest() == hashlib.sha256(whole + drawn(last).tobytes()).digest()


@pytest.mark.skipif(lanes() is None, reason="this processor has no instructions for SHA-256")
def test_only_the_last_part_may_be_ragged() -> None:
    message = Message()
    take([(message, drawn(65))])
    with pytest.raises(ValueError, match="last"):
        take([(message, drawn(64))])


@pytest.mark.skipif(lanes() is None, reason="this processor has no instructions for SHA-256")
def test_bytes_at_odd_addresses() -> None:
    data = drawn(BLOCK_BYTES * 40 + 7)
    for start in (1, 3, 13):
        messages = Message(), Message()
        take([(messages[0], data[start:]), (messages[1], data[start + 1 :])])
        assert messages[0].digest() == hashlib.sha256(data[start:].tobytes()).digest()
        assert messages[1].digest() == hashlib.sha256(data[start + 1 :].tobytes()).digest()
