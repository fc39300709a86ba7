"""SHA-256 of messages side by side is hashlib's, however they are cut."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.manifest.verify import hashing, sha256_lanes
from pipeline.manifest.verify.hashing import Message, take
from pipeline.manifest.verify.sha256_lanes import BLOCK_BYTES, LANES, Lanes, lanes, last_blocks

SIZES = st.lists(
    st.one_of(st.integers(0, 300), st.integers(0, 9).map(lambda n: n * BLOCK_BYTES)), min_size=1, max_size=5
)


def drawn(size: int) -> np.ndarray:
    return np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8)


@contextmanager
def hashed(*, side_by_side: bool) -> Iterator[None]:
    """With messages hashed side by side where this processor can, or one by one by hashlib."""
    with pytest.MonkeyPatch.context() as patch:
        if not side_by_side:
            patch.setattr(hashing, "lanes", lambda: None)
        yield


@pytest.mark.parametrize("side_by_side", [True, False])
@settings(deadline=None, max_examples=60)
@given(sizes=SIZES)
def test_messages_of_any_lengths_have_the_digests_of_hashlib(side_by_side: bool, sizes: list[int]) -> None:
    with hashed(side_by_side=side_by_side):
        data = [drawn(size) for size in sizes]
        messages = [Message() for _ in sizes]
        take(list(zip(messages, data, strict=True)))
        assert [m.digest() for m in messages] == [hashlib.sha256(d.tobytes()).digest() for d in data]


@pytest.mark.parametrize("side_by_side", [True, False])
@settings(deadline=None, max_examples=40)
@given(parts=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=16), last=st.integers(0, 130))
def test_parts_add_up_to_the_message(side_by_side: bool, parts: list[tuple[int, int]], last: int) -> None:
    with hashed(side_by_side=side_by_side):
        messages, taken = [Message() for _ in range(5)], [b""] * 5
        begun: list[tuple[Message, np.ndarray]] = []
        for number, (which, blocks) in enumerate(parts):
            data = drawn(blocks * BLOCK_BYTES) ^ np.uint8(number)
            begun.append((messages[which], data))
            if blocks % 2:  # else it is taken together with what follows
                take(begun)
                begun = []
            taken[which] += data.tobytes()
        take([*begun, *((message, drawn(last)) for message in messages)])
        for message, whole in zip(messages, taken, strict=True):
            assert message.digest() == hashlib.sha256(whole + drawn(last).tobytes()).digest()


def test_a_message_may_come_in_thousands_of_parts_at_once() -> None:
    part, other = drawn(BLOCK_BYTES), drawn(3 * BLOCK_BYTES)
    messages = Message(), Message()
    take([*[(messages[0], part)] * 5000, (messages[1], other)])
    assert messages[0].digest() == hashlib.sha256(part.tobytes() * 5000).digest()
    assert messages[1].digest() == hashlib.sha256(other.tobytes()).digest()


def test_the_length_of_a_message_is_told_in_64_bits() -> None:
    assert last_blocks(b"abc", 2**40 + 3).tobytes() == b"abc\x80" + bytes(52) + (8 * (2**40 + 3)).to_bytes(8, "big")


@pytest.mark.skipif(lanes() is None, reason="this processor has no instructions for SHA-256")
@pytest.mark.parametrize("wrong", ["another lane's data", "nothing", "a block too few"])
def test_functions_that_do_not_agree_with_hashlib_are_not_used(wrong: str) -> None:
    good = lanes()
    assert good is not None

    def bad(count: int) -> Callable[..., None]:
        def hash_blocks(*arguments: int) -> None:
            states, data, blocks = arguments[:count], arguments[count:-1], arguments[-1]
            if wrong == "another lane's data":
                good.by_count[count - 1](*states, *data[::-1], blocks)
            elif wrong == "a block too few" and blocks > 1:
                good.by_count[count - 1](*states, *data, blocks - 1)

        return hash_blocks

    def agrees(functions: Sequence[Callable[..., None]]) -> bool:
        return sha256_lanes._agrees(Lanes(tuple(functions), None))

    assert agrees(good.by_count)
    for count in range(2, LANES + 1):
        assert not agrees([*good.by_count[: count - 1], bad(count), *good.by_count[count:]])


def test_where_nothing_can_be_compiled_there_are_no_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise RuntimeError("LLVM IR parsing error")

    monkeypatch.setattr(sha256_lanes, "_compile", refuse)
    assert lanes.__wrapped__() is None


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
