"""A data set is found by its run, its manifest, its index or its ids; anything else is refused in a line."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline.manifest.drift_side import open_side
from pipeline.schema.errors import NoldoError, UsageError


def test_a_run_a_manifest_and_an_index_are_the_same_data_set(ours: Any) -> None:
    run = ours.run
    for path in (run.root, run.manifest, run.index):
        found = open_side(path)
        assert list(found.ids) == [row.location_id for row in ours.rows]
        assert len(found.index) == 4 * len(ours.rows)
        assert found.root == run.root


def test_an_index_alone_has_no_stores(ours: Any, tmp_path: Path) -> None:
    alone = tmp_path / "alone" / "index.parquet"
    alone.parent.mkdir()
    alone.write_bytes(ours.run.index.read_bytes())
    assert open_side(alone).root is None
    assert open_side(alone.parent).root is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ids.txt", "0000007\n0000003\n"),
        ("ids.csv", "id,place\n0000007,there\n0000003,here\n"),
        ("ids.csv", "7,a,b,c,d\n3,e,f,g,h\n"),
        ("ids.csv", "ids,sub1,sub2,sub3,sub4\n7,a,b,c,d\n3,e,f,g,h\n"),
        ("ids.csv", "location_id\n0000007\n0000003\n0000003\n"),
    ],
)
def test_ids_are_read_from_text(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    found = open_side(tmp_path / name)
    assert (list(found.ids), found.root) == (["0000007", "0000003"], None)


@pytest.mark.parametrize("column", ["location_id", "sample_id", "id"])
def test_ids_are_read_from_parquet_whatever_the_column_is_called(tmp_path: Path, column: str) -> None:
    path = tmp_path / "ids.parquet"
    pd.DataFrame({"other": range(3), column: ["7", "3", "7"]}).to_parquet(path)
    found = open_side(path)
    assert (list(found.ids), list(found.index["season"])) == (["0000007", "0000003"], [0, 0])


def test_ids_that_were_written_as_numbers_are_those_of_seven_digits(tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("186\n12345678\nAlps\n")
    pd.DataFrame({"id": [186, 12345678]}).to_parquet(tmp_path / "ids.parquet")
    assert list(open_side(tmp_path / "ids.txt").ids) == ["0000186", "12345678", "Alps"]
    assert list(open_side(tmp_path / "ids.parquet").ids) == ["0000186", "12345678"]


def test_what_is_no_data_set_is_refused(tmp_path: Path, ours: Any) -> None:
    with pytest.raises(UsageError, match="holds neither"):
        open_side(tmp_path)
    with pytest.raises(UsageError, match="is not there"):
        open_side(tmp_path / "nowhere")
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(b"PAR1")
    with pytest.raises(UsageError, match="cannot be read as Parquet"):
        open_side(bad)
    pd.DataFrame({"place": [1]}).to_parquet(bad)
    with pytest.raises(UsageError, match="none of the columns location_id"):
        open_side(bad)
    (tmp_path / "many.csv").write_text("a,b\nc,d\n")
    with pytest.raises(UsageError, match="has several fields; name the column of the ids"):
        open_side(tmp_path / "many.csv")
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(UsageError, match=r"^/.*empty.txt holds no ids"):
        open_side(tmp_path / "empty.txt")
    doubled = pd.read_parquet(ours.run.index)[["location_id", "season"]]
    pd.concat([doubled, doubled[:1]]).to_parquet(bad)
    with pytest.raises(NoldoError, match="twice"):
        open_side(bad)
