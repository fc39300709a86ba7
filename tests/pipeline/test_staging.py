import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import staging
from pipeline.schema.errors import NoldoError
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import Patch
from pipeline.staging import (
    WRITING_OUT,
    TileForm,
    TileRows,
    each_tile,
    free_rows,
    open_tiles,
    read_tiles,
    tile_inputs,
    tile_rows,
    write_tiles,
)

MakePatch = Callable[..., Patch]
FORM = TileForm(24, 24)
IDS = ["a", "ü/b", "c" * 90]


def same(a: Patch, b: Patch) -> bool:
    return a.location_id == b.location_id and all(
        np.array_equal(getattr(a, n), getattr(b, n)) and getattr(a, n).dtype == getattr(b, n).dtype
        for n in ("s2", "s1", "dw")
    )


def probabilities(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 29, (4, 9, 24, 24), dtype=np.uint8)


def chunk(path: Path, array: str, row: int = 0) -> Path:
    (found,) = (path / array).glob(f"c.{row}.*")
    return found


def test_patches_come_back_equal_in_any_order(tmp_path: Path, make_patch: MakePatch) -> None:
    patches = [make_patch(name) for name in IDS]
    write_tiles(tmp_path / "tiles.zarr", patches, "digest")
    for rows in ([2, 0], [1], []):
        read = read_tiles(tmp_path / "tiles.zarr", rows)
        assert len(read) == len(rows)
        assert all(same(patch, patches[row]) for patch, row in zip(read, rows, strict=True))
    assert tile_inputs(tmp_path / "tiles.zarr") == "digest"


def test_probabilities_are_an_array_of_their_own_where_there_are_any(tmp_path: Path, make_patch: MakePatch) -> None:
    patch = replace(make_patch("a"), dw_prob=probabilities())
    write_tiles(tmp_path / "with.zarr", [patch], "digest")
    write_tiles(tmp_path / "without.zarr", [make_patch("a")], "digest")
    (read,) = read_tiles(tmp_path / "with.zarr", [0])
    assert same(read, patch)
    np.testing.assert_array_equal(read.dw_prob, patch.dw_prob)
    assert read_tiles(tmp_path / "without.zarr", [0])[0].dw_prob is None
    assert sorted(zarr.open_group(tmp_path / "without.zarr", mode="r").array_keys()) == ["dw", "s1", "s2"]


def test_a_row_is_there_as_soon_as_it_is_written(tmp_path: Path, make_patch: MakePatch) -> None:
    path = tmp_path / "tiles.zarr"
    part = open_tiles(path, IDS, FORM, "digest")
    assert tile_rows(path) == TileRows()
    part.write(2, make_patch(IDS[2]))
    assert tile_rows(path) == TileRows(present=frozenset({2}))
    assert same(read_tiles(path, [2])[0], make_patch(IDS[2]))
    with pytest.raises(NoldoError, match="row 0 of s2"):
        read_tiles(path, [0])


def test_rows_are_written_by_many_threads_at_once(tmp_path: Path, make_patch: MakePatch) -> None:
    names = [f"place-{at}" for at in range(24)]
    part = open_tiles(tmp_path / "tiles.zarr", names, FORM, "digest")
    together = threading.Barrier(8)

    def write(row: int) -> None:
        if row < 8:
            together.wait()
        part.write(row, make_patch(names[row]))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(24)))
    read = each_tile(tmp_path / "tiles.zarr", range(24))
    assert all(same(patch, make_patch(name)) for patch, name in zip(read, names, strict=True))


def test_a_part_goes_on_with_the_rows_it_had(tmp_path: Path, make_patch: MakePatch) -> None:
    path = tmp_path / "tiles.zarr"
    open_tiles(path, IDS, FORM, "digest").write(1, make_patch(IDS[1]))
    again = open_tiles(path, IDS, FORM, "digest")
    assert tile_rows(path).present == {1}
    assert [again.sound(row) for row in range(3)] == [False, True, False]


@pytest.mark.parametrize("other", ["inputs", "ids", "form", "size"])
def test_what_was_begun_for_anything_else_is_removed_with_its_rows(
    tmp_path: Path, make_patch: MakePatch, other: str
) -> None:
    path = tmp_path / "tiles.zarr"
    open_tiles(path, IDS, FORM, "digest").write(1, make_patch(IDS[1]))
    ids = [IDS[0], "other", IDS[2]] if other == "ids" else IDS
    form = {"form": TileForm(24, 24, dw_prob=True), "size": TileForm(24, 25)}.get(other, FORM)
    open_tiles(path, ids, form, "second" if other == "inputs" else "digest")
    assert tile_rows(path) == TileRows()
    with pytest.raises(NoldoError):
        read_tiles(path, [1])


@pytest.mark.parametrize("left", ["nothing", "group", "array"])
def test_a_part_whose_making_was_cut_short_is_made_again(tmp_path: Path, make_patch: MakePatch, left: str) -> None:
    path = tmp_path / "tiles.zarr"
    open_tiles(path, IDS, FORM, "digest")
    lost = {"nothing": ["zarr.json"], "group": ["s2/zarr.json", "s1/zarr.json", "dw/zarr.json"]}
    for name in lost.get(left, ["dw/zarr.json"]):
        (path / name).unlink()
    part = open_tiles(path, IDS, FORM, "digest")
    part.write(0, make_patch(IDS[0]))
    assert part.sound(0)


def test_what_killed_writers_left_goes_when_the_part_is_finished(tmp_path: Path, make_patch: MakePatch) -> None:
    path = tmp_path / "tiles.zarr"
    part = open_tiles(path, IDS, FORM, "digest")
    part.write(0, make_patch(IDS[0]))
    (path / "s2" / "c.1.0.0.0.3f2a.partial").write_bytes(b"half a chunk")
    (path / "zarr.3f2a.partial").write_bytes(b"half a file")
    assert tile_rows(path).present == {0}
    part.finish()
    assert not list(path.rglob("*.partial"))
    assert part.sound(0)


def test_only_the_rows_own_location_in_the_parts_form_is_written(tmp_path: Path, make_patch: MakePatch) -> None:
    path = tmp_path / "tiles.zarr"
    part = open_tiles(path, IDS, FORM, "digest")
    with pytest.raises(ValueError, match="row 0 is location a, not b"):
        part.write(0, make_patch("b"))
    odd = make_patch("a", dw=np.zeros((4, 8, 8), np.uint8))
    with pytest.raises(ValueError, match=r"a brings .*dw uint8 \(4, 8, 8\); the part holds .*dw uint8 \(4, 24, 24\)"):
        part.write(0, odd)
    with pytest.raises(ValueError, match="dw_prob"):
        part.write(0, replace(make_patch("a"), dw_prob=probabilities()))
    assert tile_rows(path) == TileRows()
    with pytest.raises(ValueError, match="at least one"):
        write_tiles(path, [], "digest")
    with pytest.raises(ValueError, match="at least one"):
        open_tiles(path, [], FORM, "digest")


def test_what_was_written_a_while_ago_is_not_kept_in_memory(
    tmp_path: Path, make_patch: MakePatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(staging, "let_go", lambda path: asked.append(int(path.name.split(".")[1])))
    names = [f"place-{at}" for at in range(WRITING_OUT + 3)]
    part = open_tiles(tmp_path / "tiles.zarr", names, FORM, "digest")
    for row, name in enumerate(names):
        part.write(row, make_patch(name))
    # Every row is asked for once as it is written, which begins to write it out, and again when it is old.
    times = {row: asked.count(row) / 3 for row in range(len(names))}
    assert times == {row: 2 if row < 3 else 1 for row in range(len(names))}


@pytest.mark.parametrize("array", ["s2", "s1", "dw"])
@pytest.mark.parametrize("damage", ["flipped", "short", "gone"])
def test_damage_to_a_row_is_told_with_its_file(tmp_path: Path, make_patch: MakePatch, array: str, damage: str) -> None:
    path = tmp_path / "tiles.zarr"
    write_tiles(path, [make_patch("a"), make_patch("b", dw=np.zeros((4, 24, 24), np.uint8))], "digest")
    damaged = chunk(path, array, 1)
    raw = bytearray(damaged.read_bytes())
    raw[len(raw) // 2] ^= 1
    if damage == "gone":
        damaged.unlink()
    else:
        damaged.write_bytes(raw if damage == "flipped" else raw[: len(raw) // 2])
    with pytest.raises(NoldoError, match=rf"{damaged.name}, row 1 of {array}, cannot be read .*run the build again"):
        read_tiles(path, [1])
    assert same(read_tiles(path, [0])[0], make_patch("a"))
    part = open_tiles(path, ["a", "b"], FORM, "digest")
    assert (part.sound(0), part.sound(1)) == (True, False)
    assert tile_rows(path).present == ({0} if damage == "gone" else {0, 1})


def test_a_missing_part_or_row_is_named(tmp_path: Path, make_patch: MakePatch) -> None:
    assert tile_inputs(tmp_path / "tiles.zarr") is None
    assert tile_rows(tmp_path / "tiles.zarr") == TileRows()
    with pytest.raises(NoldoError, match=r"tiles\.zarr cannot be read"):
        read_tiles(tmp_path / "tiles.zarr", [0])
    write_tiles(tmp_path / "tiles.zarr", [make_patch("a")], "digest")
    for row in (1, -1):
        with pytest.raises(NoldoError, match=f"has no row {row}"):
            read_tiles(tmp_path / "tiles.zarr", [row])


def test_freed_rows_give_back_their_space_and_stay_known(tmp_path: Path, make_patch: MakePatch) -> None:
    path = tmp_path / "tiles.zarr"
    write_tiles(path, [replace(make_patch(i), dw_prob=probabilities()) for i in IDS], "digest")
    before = sum(p.stat().st_size for p in path.rglob("*"))
    for _ in range(2):
        free_rows(path, [0, 2])
        assert tile_rows(path) == TileRows(present=frozenset({1}), freed=frozenset({0, 2}))
    assert sum(p.stat().st_size for p in path.rglob("*")) < before / 2
    assert same(read_tiles(path, [1])[0], make_patch(IDS[1]))
    with pytest.raises(NoldoError, match="row 2 was freed when it was packed"):
        read_tiles(path, [2])
    part = open_tiles(path, IDS, TileForm(24, 24, dw_prob=True), "digest")
    part.finish()
    assert tile_rows(path).freed == {0, 2}


@settings(deadline=None, max_examples=15)
@given(written=st.sets(st.integers(0, 5)), freed=st.sets(st.integers(0, 5)), seed=st.integers(0, 9))
def test_the_state_of_every_row_is_known_from_the_files(
    tmp_path_factory: pytest.TempPathFactory, make_patch: MakePatch, written: set[int], freed: set[int], seed: int
) -> None:
    path, names = tmp_path_factory.mktemp("part") / "tiles.zarr", [f"p{at}" for at in range(6)]
    part = open_tiles(path, names, FORM, "digest")
    for row in np.random.default_rng(seed).permutation(sorted(written)):
        part.write(int(row), make_patch(names[int(row)]))
    free_rows(path, freed & written)
    assert tile_rows(path) == TileRows(frozenset(written - freed), frozenset(written & freed))


def test_a_part_in_object_storage_is_filled_freed_and_gone_on_with(
    bucket: Callable[[], AnyPath], make_patch: MakePatch
) -> None:
    path = bucket() / "tiles" / "part-00000.zarr"
    assert (tile_inputs(path), tile_rows(path)) == (None, TileRows())
    part = open_tiles(path, IDS, FORM, "digest")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda row: part.write(row, make_patch(IDS[row])), (0, 2)))
    part.finish()
    again = open_tiles(path, IDS, FORM, "digest")
    assert (tile_inputs(path), tile_rows(path).present) == ("digest", {0, 2})
    assert [again.sound(row) for row in range(3)] == [True, False, True]
    assert same(read_tiles(path, [2])[0], make_patch(IDS[2]))
    free_rows(path, [0])
    assert tile_rows(path) == TileRows(present=frozenset({2}), freed=frozenset({0}))
    with pytest.raises(NoldoError, match="row 1 of s2"):
        read_tiles(path, [1])
    open_tiles(path, IDS, FORM, "other")
    assert tile_rows(path) == TileRows()
