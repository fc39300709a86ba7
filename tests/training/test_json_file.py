"""A file is there whole, or as it was before."""

from pathlib import Path

import pytest

from pipeline.schema.errors import NoldoError
from training.json_file import read_json, write_json


def test_a_record_that_is_cut_off_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(NoldoError, match=r"run\.json cannot be read"):
        read_json(tmp_path / "run.json")


def test_writing_leaves_nothing_else_behind(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": None})
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    assert read_json(tmp_path / "a.json") == {"a": None}
