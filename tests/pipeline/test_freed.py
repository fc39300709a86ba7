from pathlib import Path
from typing import Any

import pytest

from pipeline.freed import anything_freed, forget_freed, free_all, free_packed, require_staged
from pipeline.schema.errors import NoldoError
from pipeline.staging import read_tiles, tile_rows


def held(packed: Any) -> dict[int, set[int]]:
    return {part: set(tile_rows(packed.run.tile(part)).present) for part in range(3)}


def size(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def test_the_rows_of_a_shard_go_and_no_others(packed: Any) -> None:
    assert held(packed) == {0: {0, 1}, 1: {0, 1}, 2: {0}}
    shard = packed.rows[:2]
    for _ in range(2):  # killed after it, a build frees them again
        free_packed(packed.run, shard)
        gone = {(row.tile_part, row.tile_row) for row in shard}
        assert {(p, r) for p, rows in held(packed).items() for r in rows} == {
            (row.tile_part, row.tile_row) for row in packed.rows
        } - gone
    for row in packed.rows[2:]:
        assert read_tiles(packed.run.tile(row.tile_part), [row.tile_row])[0].location_id == row.location_id
    assert anything_freed(packed.run)


def test_killed_half_way_the_rest_is_freed_by_the_next_run(packed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import pipeline.staging as staging

    def die_at_third(paths: Any) -> None:
        for number, path in enumerate(paths):
            if number == 2:
                raise KeyboardInterrupt
            path.unlink()

    with monkeypatch.context() as patched:
        patched.setattr(staging, "remove_files", die_at_third)
        with pytest.raises(KeyboardInterrupt):
            free_packed(packed.run, packed.rows)
    free_packed(packed.run, packed.rows)
    assert held(packed) == {0: set(), 1: set(), 2: set()}
    assert {part: tile_rows(packed.run.tile(part)).freed for part in range(3)} == {0: {0, 1}, 1: {0, 1}, 2: {0}}


def test_a_finished_store_leaves_hardly_a_byte(packed: Any) -> None:
    tiles = packed.run.tile(0).parent
    before = size(tiles)
    free_all(packed.run, 3)
    free_all(packed.run, 3)
    assert held(packed) == {0: set(), 1: set(), 2: set()}
    assert size(tiles) < before / 20
    # The rows of dropped locations go too, though no shard holds them; that they were there stays known.
    assert tile_rows(packed.run.tile(2)).freed == {0}


def test_rows_that_are_wanted_again_are_told_in_one_plain_line(packed: Any) -> None:
    require_staged(packed.run, packed.rows)
    free_packed(packed.run, packed.rows[3:4])
    require_staged(packed.run, packed.rows[:3])
    with pytest.raises(NoldoError) as found:
        require_staged(packed.run, packed.rows)
    assert f"the raw pixels of {packed.rows[3].location_id} were freed" in str(found.value)
    assert "--remake" in str(found.value)
    assert "\n" not in str(found.value)


def test_forgetting_leaves_only_whole_parts(packed: Any) -> None:
    assert not anything_freed(packed.run)
    forget_freed(packed.run)
    assert held(packed) == {0: {0, 1}, 1: {0, 1}, 2: {0}}
    (row,) = [row for row in packed.rows if row.tile_part == 2]
    free_packed(packed.run, [row])
    forget_freed(packed.run)
    assert held(packed) == {0: {0, 1}, 1: {0, 1}, 2: set()}
    assert not packed.run.tile(2).exists()
    assert not anything_freed(packed.run)
