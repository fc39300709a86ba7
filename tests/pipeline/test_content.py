import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.content import array_digest, canonical_json, row_digest, store_digests, tree_digest
from pipeline.schema.records import ShardRecord

NUMBERS = st.sampled_from([np.dtype("u1"), np.dtype("<u2"), np.dtype("<f4")])


def shard(number: int, digests: list[str]) -> ShardRecord:
    rows = tuple(digests)
    return ShardRecord(number, 0, rows, rows, rows, (), (), (), (), b"", b"")


@settings(max_examples=40, deadline=None)
@given(arrays.arrays(NUMBERS, arrays.array_shapes(max_dims=3, max_side=5)))
def test_a_row_is_hashed_as_little_endian_c_order_bytes(row: np.ndarray) -> None:
    expected = "sha256:" + hashlib.sha256(row.astype(row.dtype.newbyteorder("<")).tobytes(order="C")).hexdigest()
    assert row_digest(row) == expected
    assert row_digest(row.astype(row.dtype.newbyteorder(">"))) == expected
    assert row_digest(np.asfortranarray(row)) == expected


def test_rows_type_and_shape_all_count() -> None:
    a, b = row_digest(np.zeros(4, np.uint8)), row_digest(np.ones(4, np.uint8))
    base = array_digest("uint8", (4,), [a, b])
    assert base == array_digest("uint8", [4], iter([a, b]))
    others = [
        array_digest("uint8", (4,), [b, a]),
        array_digest("uint8", (4,), [a]),
        array_digest("uint8", (2, 2), [a, b]),
        array_digest("int8", (4,), [a, b]),
    ]
    assert len({base, *others}) == 5


def test_a_tree_depends_on_names_not_on_their_order() -> None:
    assert tree_digest({"a": "1", "b": "2"}) == tree_digest({"b": "2", "a": "1"})
    assert tree_digest({"a": "1", "b": "2"}) != tree_digest({"a": "2", "b": "1"})


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 20), size=st.integers(1, 21), seed=st.integers(0, 3))
def test_the_store_digest_does_not_depend_on_the_shards(count: int, size: int, seed: int) -> None:
    rows = [row_digest(np.array([at], np.uint8)) for at in range(count)]
    shards = [shard(n, rows[start : start + size]) for n, start in enumerate(range(0, count, size))]
    shuffled = [shards[at] for at in np.random.default_rng(seed).permutation(len(shards))]
    assert store_digests(shuffled, {"dw": (1,)}) == {"dw": array_digest("uint8", (1,), rows)}


def test_canonical_json_is_stable_and_refuses_nan() -> None:
    assert canonical_json({"b": [1, 0.1], "a": "ü"}) == '{"a":"ü","b":[1,0.1]}'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"a": float("nan")})
