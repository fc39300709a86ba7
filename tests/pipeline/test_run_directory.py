import contextlib
import fcntl
import threading
from pathlib import Path

import pytest

from pipeline.manifest.release import run_release
from pipeline.parts import write_part
from pipeline.recipe import Recipe, canonical_digest
from pipeline.run_directory import changed_keys, claimed_run, prune_parts
from pipeline.run_state import list_digest, sample_inputs
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import Location
from pipeline.schema.strict import validated


def recipe(**changes: object) -> Recipe:
    raw = {"sample": {"count": 2}, "source": {"kind": "emulator"}, **changes}
    return validated(Recipe, raw, where="recipe")


def begin(run: RunLayout) -> None:
    run.table("sample", 0).parent.mkdir(parents=True)
    run.table("sample", 0).write_text("rows")


def test_a_run_is_entered_again_and_leftovers_go(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with contextlib.suppress(KeyboardInterrupt), claimed_run(out, recipe(), remake=False) as run:
        left = [run.table("match", 0).with_suffix(".tmp-77"), run.tile(3).with_name("part-00003.zarr.tmp-77")]
        left[0].parent.mkdir(parents=True)
        left[0].write_text("half")
        left[1].mkdir(parents=True)
        kept = run.table("match", 1)
        kept.write_text("whole")
        raise KeyboardInterrupt
    with claimed_run(out, recipe(), remake=False):
        assert kept.exists()
        assert not any(path.exists() for path in left)


def test_one_build_at_a_time(tmp_path: Path) -> None:
    with (
        claimed_run(tmp_path, recipe(), remake=False),
        pytest.raises(UsageError, match="another build is running"),
        claimed_run(tmp_path, recipe(), remake=False),
    ):
        pass


def test_whoever_only_looks_does_not_keep_a_build_from_its_folder(tmp_path: Path) -> None:
    with claimed_run(tmp_path, recipe(), remake=False):
        pass
    with (tmp_path / ".lock").open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        looked = threading.Timer(0.1, fcntl.flock, (looking, fcntl.LOCK_UN))
        looked.start()
        with claimed_run(tmp_path, recipe(), remake=False):
            looked.join()


def test_another_recipe_is_refused_unless_it_may_remake(tmp_path: Path) -> None:
    with claimed_run(tmp_path, recipe(), remake=False) as run:
        begin(run)
    changed = recipe(quality={"dw_min_valid_share": 0.9})
    with (
        pytest.raises(UsageError, match=r"quality.dw_min_valid_share changed"),
        claimed_run(tmp_path, changed, remake=False),
    ):
        pass
    with claimed_run(tmp_path, changed, remake=True):
        pass
    with claimed_run(tmp_path, changed, remake=False):
        pass


def test_how_it_runs_may_change(tmp_path: Path) -> None:
    with claimed_run(tmp_path, recipe(), remake=False) as run:
        pass
    begin(run)
    other = recipe(source={"kind": "emulator", "faults": "429:0.1"}, export={"concurrency": 2}, pretrain={"epochs": 1})
    with claimed_run(tmp_path, other, remake=False):
        pass


def test_a_release_stays_until_a_recipe_speaks_of_it(tmp_path: Path) -> None:
    with claimed_run(tmp_path, recipe(release={"version": "1.0.0", "title": "Ours"}), remake=False) as run:
        begin(run)
    with claimed_run(tmp_path, recipe(), remake=False) as run:
        assert (run_release(run).version, run_release(run).title) == ("1.0.0", "Ours")
    with claimed_run(tmp_path, recipe(release={"version": "2.0.0"}), remake=False) as run:
        assert (run_release(run).version, run_release(run).title) == ("2.0.0", None)
    assert recipe().digest() == recipe(release={"version": "2.0.0"}).digest()
    assert "release" not in recipe(release={"version": "2.0.0"}).published()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UsageError, match=r"cannot write to .*file/run: Not a directory; choose another --out"),
        claimed_run(tmp_path / "file" / "run", recipe(), remake=False),
    ):
        pass


def test_changed_keys_are_dotted() -> None:
    assert changed_keys({"a": 1, "b": {"c": 2, "d": 3}}, {"a": 1, "b": {"c": 5, "d": 3}, "e": 0}) == ["b.c", "e"]


def test_parts_of_a_larger_build_are_pruned(tmp_path: Path) -> None:
    run = RunLayout(tmp_path)
    for part in range(4):
        for stage in ("match", "pack"):
            run.table(stage, part).parent.mkdir(parents=True, exist_ok=True)
            run.table(stage, part).write_text("rows")
        run.tile(part).mkdir(parents=True)
    prune_parts(run, ("match", "export"), 2)
    assert sorted(p.name for p in (tmp_path / "tables" / "match").iterdir()) == [
        "part-00000.parquet",
        "part-00001.parquet",
    ]
    assert sorted(p.name for p in (tmp_path / "tiles").iterdir()) == ["part-00000.zarr", "part-00001.zarr"]
    assert len(list((tmp_path / "tables" / "pack").iterdir())) == 4


def test_nothing_of_a_folder_that_was_no_run_is_touched(tmp_path: Path) -> None:
    mine = tmp_path / "thesis.tmp-draft"
    mine.write_text("words")
    (tmp_path / "tables" / "x").mkdir(parents=True)
    other = tmp_path / "tables" / "x" / "a.tmp-1"
    other.write_text("rows")
    with claimed_run(tmp_path, recipe(), remake=False):
        assert mine.exists()
        assert other.exists()


def test_a_recipe_of_which_nothing_was_built_blocks_nothing(tmp_path: Path) -> None:
    with claimed_run(tmp_path, recipe(source={"kind": "earthengine", "project": "p"}), remake=False):
        pass
    with claimed_run(tmp_path, recipe(), remake=False):
        pass


def test_what_a_killed_worker_left_goes_with_the_end_of_the_build(tmp_path: Path) -> None:
    with claimed_run(tmp_path, recipe(), remake=False) as run:
        left = [
            run.table("match", 0).with_name("part-00000.parquet.tmp-77"),
            run.tile(3) / "dw" / "c.1.0.0.0.tmp-77",
            run.store("nol").with_name(".nol.zarr.building.inputs"),
            run.root / "maps" / "a1" / "a1f0.png.tmp-77",
        ]
        kept = run.store("other").with_name(".other.zarr.building.inputs")
        (run.store("other").with_name("other.zarr.building")).mkdir(parents=True)
        for path in (*left, kept):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
    assert not any(path.exists() for path in left)
    assert kept.exists()


def test_a_listed_file_may_move_but_not_change(tmp_path: Path) -> None:
    rows = "id,lon,lat\na,10,48\nb,11,48\n"
    first, moved = tmp_path / "list.csv", tmp_path / "moved.csv"
    first.write_text(rows)
    moved.write_text(rows)

    def listed(path: Path) -> Recipe:
        return recipe(sample={"from": str(path)})

    with claimed_run(tmp_path / "run", listed(first), remake=False) as run:
        inputs = canonical_digest([sample_inputs(listed(first), list_digest(listed(first))), 0])
        write_part(run.table("sample", 0), Location, [], inputs)
    with claimed_run(tmp_path / "run", listed(moved), remake=False):
        pass
    moved.write_text(rows + "c,12,48\n")
    with (
        pytest.raises(UsageError, match="the content of a file that 'sample' names changed"),
        claimed_run(tmp_path / "run", listed(moved), remake=False),
    ):
        pass
    with claimed_run(tmp_path / "run", listed(moved), remake=True):
        pass
