"""`noldo patch`: what it writes is tested as docs/how-to/reading.md shows it, what it refuses here."""

from pathlib import Path
from typing import Any

import pytest
import rasterio
from click.testing import CliRunner

from pipeline.cli.main import noldo
from pipeline.schema.errors import UsageError


def run(*arguments: object) -> Any:
    return CliRunner().invoke(noldo, ["patch", *map(str, arguments)])


def test_raw_units_of_a_named_store(tree: Any, tiles: Any, tmp_path: Path) -> None:
    out = tmp_path / "new" / "s1.tif"
    assert run(tree.root, "0000052", "--array", "s1", "--raw", "--out", out).exit_code == 0
    with rasterio.open(out) as file:
        assert (file.dtypes, file.units) == (("float32", "float32"), ("dB", "dB"))
    done = run(tiles.root, "dw_b", "--array", "dw", "--store", "dw_train", "--out", out)
    assert done.output == f"{out}: dw of dw_b, season 0, 24 x 24 px, EPSG:32719\n"


def test_what_is_not_there_is_one_line(tree: Any, tiles: Any, tmp_path: Path) -> None:
    out = tmp_path / "x.tif"
    for arguments, said in (
        ((tree.root, "0000053"), "no location '0000053'"),
        ((tree.root, "0000052", "--season", 9), "not 9"),
        ((tree.root, "0000052", "--array", "osm"), "no array 'osm'; choose one of dw, dw_prob, s1, s2"),
        ((tiles.root, "dw_nowhere"), "where it lies on Earth is not known"),
    ):
        ended = run(*arguments, "--out", out)
        assert isinstance(ended.exception, UsageError)
        assert said in str(ended.exception)
        assert "\n" not in str(ended.exception)
    assert not out.exists()


def test_a_url_is_no_name_of_a_folder(tree: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ended = run(tree.root, "0000052", "--out", "ftp://server/x.tif")
    assert "ftp:// is not known" in str(ended.exception)
    assert not list(tmp_path.iterdir())
