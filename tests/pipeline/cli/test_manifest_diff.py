"""`noldo manifest diff` as a user runs it: differences are its result, and only what cannot be compared its failure."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline.schema.layout import RunLayout


@pytest.fixture
def ids(small_run: tuple[Path, Any], tmp_path: Path) -> Path:
    """All ids of the small run but the first, and one that it has not."""
    known = list(pd.read_parquet(RunLayout(small_run[0]).index)["location_id"].unique())
    (tmp_path / "ids.txt").write_text("\n".join([*known[1:], "stranger"]))
    return tmp_path / "ids.txt"


def test_a_run_is_compared_with_itself_and_with_published_ids(
    noldo: Any, small_run: tuple[Path, Any], ids: Path
) -> None:
    run = str(small_run[0])
    same = noldo("manifest", "diff", run, run, "--locations", "1", "--reread", "--json")
    assert (same.status, same.json["differs_in"], same.json["pixel_locations"]) == (0, [], 1)
    assert all(band["rms"] == 0 for band in same.json["bands"])
    listed = noldo("manifest", "diff", run, str(ids))
    assert listed.status == 0, "differences are no failure"
    assert "1 published are not ours: stranger" in listed.out
    assert listed.out.splitlines()[-1] == "differs in ids"


def test_what_is_no_data_set_ends_in_one_line(noldo: Any, small_run: tuple[Path, Any], tmp_path: Path) -> None:
    ended = noldo("manifest", "diff", str(small_run[0]), str(tmp_path))
    assert ended.status == 2
    assert ended.err.strip().endswith("name a run or a list of ids")
    assert len(ended.err.strip().splitlines()) == 1
