import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.report.gather import gather, or_notice
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.layout import RunLayout


def test_a_whole_run_is_read_without_a_notice(make_run: Callable[..., Any]) -> None:
    fake = make_run(stored=5)
    run = gather(fake.layout)
    assert run.notices == ()
    assert [len(part) for part in (run.locations, run.verdicts, run.exports, run.quality)] == [9, 9, 7, 6]
    assert [(r.row, r.season) for r in run.scenes_of([4, 1])] == [
        (row, season) for row in (1, 4) for season in range(4)
    ]
    assert {r.location_id for r in run.scenes_of([1])} == {fake.kept[1]}
    assert run.stored_ids == set(fake.kept)
    assert run.emulated
    assert run.store == fake.layout.store("nol")
    assert run.pretraining is not None


def test_a_folder_that_is_no_run_is_refused_and_the_right_one_described(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no run") as error:
        gather(RunLayout(tmp_path))
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("part", "field", "notice"),
    [
        ("manifest", "stored_ids", "no index yet"),
        ("tables/quality", "quality", "'quality' table"),
        ("pretrain", "pretraining", None),
        ("store", "store", None),
        ("recipe.yaml", "recipe", "recipe.yaml is not there"),
    ],
)
def test_a_part_that_is_missing_is_empty_and_named(
    make_run: Callable[..., Any], part: str, field: str, notice: str | None
) -> None:
    layout = make_run().layout
    path = layout.root / part
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    run = gather(layout)
    assert not getattr(run, field)
    assert notice is None or any(notice in line for line in run.notices)


@pytest.mark.parametrize(
    "part", ["manifest/index.parquet", "manifest/provenance.json", "tables/sample/part-00001.parquet"]
)
def test_a_damaged_file_is_named_and_the_rest_is_read(make_run: Callable[..., Any], part: str) -> None:
    layout = make_run().layout
    (layout.root / part).write_bytes(b"\x00damaged")
    run = gather(layout)
    assert len(run.notices) == 1
    assert Path(part).name in run.notices[0]
    assert len(run.locations) in (4, 8)


def test_an_index_without_the_optional_columns_is_read(make_run: Callable[..., Any]) -> None:
    layout = make_run().layout
    table = pq.read_table(layout.index).select(["season", "location_id", "row"])
    pq.write_table(table, layout.index)
    row = gather(layout).scenes_of([0])[0]
    assert (row.row, row.season, row.s2_id, row.cloud_pct) == (0, 0, None, None)


def test_only_expected_failures_become_notices() -> None:
    notices: list[str] = []

    def fails(error: Exception) -> None:
        raise error

    assert or_notice(lambda: fails(NoldoError("gone")), notices) is None
    assert notices == ["gone"]
    with pytest.raises(KeyError):
        or_notice(lambda: fails(KeyError("defect")), notices)
