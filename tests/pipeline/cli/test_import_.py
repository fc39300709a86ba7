from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.cli.import_ import import_
from pipeline.schema.errors import UsageError


def refused(*arguments: object) -> str:
    """The one line with which an import is refused."""
    ended = CliRunner().invoke(import_, [str(argument) for argument in arguments])
    assert isinstance(ended.exception, UsageError), ended.output
    assert "\n" not in str(ended.exception)
    return str(ended.exception)


@pytest.mark.parametrize("name", ["data.mdb", "x.lmdb"])
def test_lmdb_files_are_refused_with_the_reason(name: str, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / name).touch()
    for path in (tmp_path / "images", tmp_path / "images" / name):
        told = refused("ssl4eo", path, "--out", tmp_path / "run")
        assert "LMDB file, whose records are Python pickles: reading them could run any program" in told
    assert not (tmp_path / "run").exists()


def test_wrong_use_is_told_before_anything_is_made(tmp_path: Path) -> None:
    assert "is not there" in refused("ssl4eo", tmp_path / "nothing", "--out", tmp_path / "run")
    told = refused("ssl4eo", tmp_path, "--out", tmp_path / "run", "--set", "quality.dw_min_valid_share=0.5")
    assert "without labels" in told
    assert "unknown key" in refused("ssl4eo-v1.1", tmp_path, "--out", tmp_path / "run", "--set", "sample.count=1")
    assert not (tmp_path / "run").exists()
