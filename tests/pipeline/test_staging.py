from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr

from pipeline.schema.errors import NoldoError
from pipeline.schema.records import Patch
from pipeline.staging import read_tiles, tile_inputs, write_tiles

MakePatch = Callable[..., Patch]


def same(a: Patch, b: Patch) -> bool:
    return a.location_id == b.location_id and all(
        np.array_equal(getattr(a, n), getattr(b, n)) and getattr(a, n).dtype == getattr(b, n).dtype
        for n in ("s2", "s1", "dw")
    )


def test_patches_come_back_equal_in_any_order(tmp_path: Path, make_patch: MakePatch) -> None:
    patches = [make_patch(name) for name in ("a", "ü/b", "c" * 90)]
    write_tiles(tmp_path / "tiles.zarr", patches, "digest")
    for rows in ([2, 0], [1], []):
        read = read_tiles(tmp_path / "tiles.zarr", rows)
        assert len(read) == len(rows)
        assert all(same(patch, patches[row]) for patch, row in zip(read, rows, strict=True))
    assert tile_inputs(tmp_path / "tiles.zarr") == "digest"


def test_a_part_is_replaced_whole(tmp_path: Path, make_patch: MakePatch) -> None:
    path = tmp_path / "tiles.zarr"
    write_tiles(path, [make_patch("a"), make_patch("b")], "first")
    write_tiles(path, [make_patch("c")], "second")
    assert zarr.open_group(path, mode="r")["s2"].shape[0] == 1
    assert tile_inputs(path) == "second"
    assert [p.name for p in tmp_path.iterdir()] == ["tiles.zarr"]


def test_patches_of_unlike_shape_are_refused_and_leave_nothing(tmp_path: Path, make_patch: MakePatch) -> None:
    odd = make_patch("b", dw=np.zeros((4, 8, 8), np.uint8))
    with pytest.raises(ValueError, match=r"dw of patch 1 is uint8 \(4, 8, 8\)"):
        write_tiles(tmp_path / "tiles.zarr", [make_patch("a"), odd], "digest")
    with pytest.raises(ValueError, match="at least one patch"):
        write_tiles(tmp_path / "tiles.zarr", [], "digest")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("array", ["s2", "s1", "dw"])
def test_a_flipped_byte_raises(tmp_path: Path, make_patch: MakePatch, array: str) -> None:
    path = tmp_path / "tiles.zarr"
    write_tiles(path, [make_patch("a")], "digest")
    (chunk,) = [p for p in (path / array / "c").rglob("*") if p.is_file()]
    raw = bytearray(chunk.read_bytes())
    raw[len(raw) // 2] ^= 1
    chunk.write_bytes(raw)
    with pytest.raises(NoldoError, match=r"tiles\.zarr cannot be read .*run the build again"):
        read_tiles(path, [0])


def test_a_missing_chunk_raises_even_where_it_held_only_zeros(tmp_path: Path, make_patch: MakePatch) -> None:
    path = tmp_path / "tiles.zarr"
    write_tiles(path, [make_patch("a", dw=np.zeros((4, 24, 24), np.uint8))], "digest")
    (chunk,) = [p for p in (path / "dw" / "c").rglob("*") if p.is_file()]
    chunk.unlink()
    with pytest.raises(NoldoError, match="row 0 of dw is not there"):
        read_tiles(path, [0])


def test_a_missing_part_or_row_is_named(tmp_path: Path, make_patch: MakePatch) -> None:
    assert tile_inputs(tmp_path / "tiles.zarr") is None
    with pytest.raises(NoldoError, match=r"tiles\.zarr cannot be read"):
        read_tiles(tmp_path / "tiles.zarr", [0])
    write_tiles(tmp_path / "tiles.zarr", [make_patch("a")], "digest")
    with pytest.raises(NoldoError, match="row 1 of s2 is not there"):
        read_tiles(tmp_path / "tiles.zarr", [1])
