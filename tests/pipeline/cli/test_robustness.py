"""`noldo robustness`: what it asks for, and what it prints."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli.robustness import robustness
from pipeline.schema.errors import UsageError
from training.robustness.findings import Findings
from training.robustness.layout import RobustnessLayout

RECIPE = Path(__file__).parents[3] / "recipes" / "robustness-demo.yaml"


@pytest.mark.parametrize("known", [True, False])
def test_it_takes_the_runs_store_and_its_truth_where_there_is_one(
    known: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, truth = tmp_path / "run" / "store" / "nol.zarr", tmp_path / "run" / "diagnostics" / "truth.zarr"
    store.mkdir(parents=True)
    if known:
        truth.mkdir(parents=True)
    asked: dict[str, Any] = {}

    def finish(settings: Any, *paths: Path, **options: Any) -> SimpleNamespace:
        asked.update(settings=settings, paths=paths, truth=options["truth"])
        return SimpleNamespace(layout=RobustnessLayout(tmp_path / "out"), result={"x": 1}, findings=Findings((), ()))

    monkeypatch.setattr("training.robustness.run.robustness", finish)
    told = [str(RECIPE), "--store", str(tmp_path / "run"), "--out", str(tmp_path / "out"), "--json"]
    ended = CliRunner().invoke(robustness, [*told, "--set", "robustness.pretrain.epochs=3"], catch_exceptions=False)
    assert ended.exit_code == 0
    assert json.loads(ended.stdout) == {"x": 1}
    assert asked["settings"].pretrain.epochs == 3
    assert asked["paths"] == (store, tmp_path / "out")
    assert asked["truth"] == (truth if known else None)


def test_a_recipe_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store" / "nol.zarr").mkdir(parents=True)
    recipe = RECIPE.with_name("pretrain-single-s2.yaml")
    with pytest.raises(UsageError, match="has no 'robustness' section"):
        CliRunner().invoke(
            robustness, [str(recipe), "--store", str(tmp_path), "--out", str(tmp_path)], catch_exceptions=False
        )
