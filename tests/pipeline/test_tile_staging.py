from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema.errors import DamagedError
from pipeline.tile_staging import keep_staged, prune_staged, read_staged, staged_for, staged_ids, write_staged

ARRAYS = {
    "s2": np.arange(13 * 36, dtype=np.uint16).reshape(13, 6, 6),
    "s1": np.linspace(-30, 5, 72, dtype=np.float32).reshape(2, 6, 6),
    "dw": np.arange(36, dtype=np.uint8).reshape(6, 6),
}


@pytest.fixture(scope="session")
def staged(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("staged") / "one.npz"
    write_staged(path, ARRAYS, "made from this")
    return path.read_bytes()


def test_what_is_staged_reads_back_for_the_same_inputs_only(tmp_path: Path) -> None:
    path = tmp_path / "part" / "dw_-63.05_-17.51-20190704.npz"
    assert staged_for(path, "a") is None
    write_staged(path, ARRAYS, "a")
    for found in (read_staged(path), staged_for(path, "a")):
        assert found is not None
        assert {name: (a.dtype, a.tolist()) for name, a in found.items()} == {
            name: (a.dtype, a.tolist()) for name, a in ARRAYS.items()
        }
    assert staged_for(path, "b") is None
    assert staged_ids(path.parent) == {"dw_-63.05_-17.51-20190704"}
    keep_staged(path.parent, set())
    assert staged_ids(path.parent) == set()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_flipped_bit_or_a_cut_never_gives_other_pixels(
    data: st.DataObject, staged: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    at = data.draw(st.integers(0, len(staged) - 1))
    if data.draw(st.booleans()):
        path.write_bytes(staged[:at])
    else:
        path.write_bytes(staged[:at] + bytes([staged[at] ^ (1 << data.draw(st.integers(0, 7)))]) + staged[at + 1 :])
    try:
        found = read_staged(path)
    except DamagedError:
        return
    assert {name: array.tolist() for name, array in found.items()} == {n: a.tolist() for n, a in ARRAYS.items()}


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(DamagedError, match=r"gone\.npz cannot be read") as caught:
        read_staged(tmp_path / "gone.npz")
    assert caught.value.path == tmp_path / "gone.npz"


def test_parts_of_a_larger_build_go(tmp_path: Path) -> None:
    for part in range(3):
        write_staged(tmp_path / f"part-{part:05d}" / "one.npz", ARRAYS, "a")
    prune_staged(tmp_path, 2)
    assert sorted(path.parent.name for path in tmp_path.rglob("*.npz")) == ["part-00000", "part-00001"]
