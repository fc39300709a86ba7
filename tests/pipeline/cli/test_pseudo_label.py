"""`noldo pseudo-label`: what is asked of training, and what is said."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli.pseudo_label import pseudo_label
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import PretrainLayout
from training.pseudo.progress import PseudoProgress
from training.pseudo.run import PseudoLabelResult

RECIPE = Path(__file__).parents[3] / "recipes" / "pseudo-label-demo.yaml"

SCORES = {"oa": 0.75, "miou": 0.5}
RESULT = {
    "name": "pl",
    "labels": {
        "dw": {"labelled_share": 0.9, "against_dw": SCORES, "against_truth": {"all": SCORES, "held_out": SCORES}},
        "pl": {"labelled_share": 1.0, "against_dw": None, "against_truth": {"all": SCORES, "held_out": None}},
    },
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []

    def stand_in(settings: Any, store: Path, out: Path, **options: Any) -> PseudoLabelResult:
        calls.append({"settings": settings, "store": store, "out": out, **options})
        options["on_progress"](PseudoProgress("labels", 3, 3, ""))
        return PseudoLabelResult(store / "labels" / "pl", RESULT, reused=False)

    monkeypatch.setattr("training.pseudo.run.pseudo_label", stand_in)
    return calls


def invoke(tmp_path: Path, *more: str) -> Any:
    store = tmp_path / "run" / "store" / "nol.zarr"
    return CliRunner().invoke(pseudo_label, [str(RECIPE), "--store", str(store), "--out", str(tmp_path / "o"), *more])


def test_recipe_and_options_reach_training(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    ended = invoke(
        tmp_path, "--name", "x", "--set", "pseudo_label.teacher.epochs=3", "--replace", "--teacher", "a.ckpt"
    )
    assert ended.exit_code == 0, ended.output
    (call,) = asked
    assert call["settings"].teacher.epochs == 3
    assert (call["name"], call["replace"], call["resume"], call["teachers"]) == ("x", True, False, (Path("a.ckpt"),))
    assert call["reference"] is None
    (tmp_path / "run" / "diagnostics" / "truth.zarr").mkdir(parents=True)
    invoke(tmp_path)
    assert asked[1]["reference"] == tmp_path / "run" / "diagnostics" / "truth.zarr"


def test_the_labels_are_told_for_people_and_as_json(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    lines = invoke(tmp_path).stdout.splitlines()
    assert " ".join(lines[0].split()) == "dw 90.0% labelled right 75.0%, 75.0% of those held out"
    shown = "pl 100.0% labelled agrees with dw - right 75.0%, - of those held out"
    assert " ".join(lines[1].split()) == shown
    assert "pretrain.label_source=pl" in lines[-1]
    assert json.loads(invoke(tmp_path, "--json").stdout) == RESULT


def test_a_teacher_is_given_or_trained_but_not_both(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    ended = invoke(tmp_path, "--teacher", "a.ckpt", "--weights", "b.ckpt")
    assert isinstance(ended.exception, UsageError)
    assert not asked


def test_a_recipe_without_the_section_is_refused(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    other = RECIPE.with_name("pretrain-mid.yaml")
    ended = CliRunner().invoke(pseudo_label, [str(other), "--store", str(tmp_path / "s.zarr"), "--out", "o"])
    assert isinstance(ended.exception, UsageError)
    assert "no 'pseudo_label' section" in str(ended.exception)


def test_a_stopped_training_says_how_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any, **__: Any) -> None:
        (tmp_path / "o").mkdir()
        PretrainLayout(tmp_path / "o").checkpoint.touch()
        raise KeyboardInterrupt

    monkeypatch.setattr("training.pseudo.run.pseudo_label", stop)
    ended = invoke(tmp_path)
    assert ended.exit_code == 1
    assert "--resume goes on with it" in " ".join(ended.stderr.split())
