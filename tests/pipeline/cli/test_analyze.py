"""`noldo analyze`: what it hands on of its arguments, and how it refuses wrong ones."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli.analyze import analyze
from pipeline.schema.errors import UsageError
from training.analysis.analyze import AnalysisResult
from training.analysis.subject import AnalysisSettings, OtherEncoder


@pytest.fixture
def handed_on(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the command gives to the analysis, which is not made."""
    given: dict[str, Any] = {}

    def take(folders: Any, out: Path, **options: Any) -> AnalysisResult:
        given.update(options, folders=folders, out=out)
        missing = [{"title": "Scores", "why": "no tiles"}]
        return AnalysisResult(out / "analysis.html", {"figures": [{}, {}], "missing": missing})

    monkeypatch.setattr("training.analysis.analyze.analyze", take)
    return given


def test_arguments_are_handed_on(handed_on: dict[str, Any], tmp_path: Path) -> None:
    truth = tmp_path / "run" / "diagnostics" / "truth.zarr"
    for folder in (tmp_path / "run" / "store" / "nol.zarr", truth, tmp_path / "dw" / "store" / "dw_test.zarr"):
        folder.mkdir(parents=True)
    ended = CliRunner().invoke(
        analyze,
        [
            "a", "b", "--store", str(tmp_path / "run"), "--dw-test", str(tmp_path / "dw"), "--out", str(tmp_path / "o"),
            "--encoder", "random", "--encoder", "moco=m.pth", "--patches", "8", "--device", "cpu",
        ],
    )  # fmt: skip
    assert ended.exit_code == 0, ended.output
    assert handed_on["folders"] == (Path("a"), Path("b"))
    assert handed_on["store"] == tmp_path / "run" / "store" / "nol.zarr"
    assert handed_on["dw_test"] == tmp_path / "dw" / "store" / "dw_test.zarr"
    assert handed_on["truth_of"](handed_on["store"]) == truth
    assert handed_on["truth_of"](tmp_path / "dw" / "store" / "x.zarr") is None
    assert handed_on["encoders"] == [OtherEncoder("random", None), OtherEncoder("moco", Path("m.pth"))]
    assert handed_on["settings"] == AnalysisSettings(most_patches=8, device="cpu")
    assert "2 figures" in ended.stdout
    assert "Not made: Scores: no tiles" in ended.stdout


def test_json_is_one_object(handed_on: dict[str, Any], tmp_path: Path) -> None:
    ended = CliRunner().invoke(analyze, ["a", "--out", str(tmp_path), "--json"])
    assert len(json.loads(ended.stdout)["figures"]) == 2
    assert handed_on["settings"] == AnalysisSettings()


def test_tiles_that_are_not_there_are_refused(handed_on: dict[str, Any], tmp_path: Path) -> None:
    ended = CliRunner().invoke(analyze, ["a", "--dw-test", str(tmp_path), "--out", str(tmp_path)])
    assert isinstance(ended.exception, UsageError)
    assert "no such store" in str(ended.exception)
