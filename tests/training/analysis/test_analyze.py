"""All figures of small runs, end to end."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from pipeline.schema.errors import NoldoError, UsageError
from training.analysis.analyze import AnalysisResult, analyze
from training.analysis.exhibit import Missing
from training.analysis.runs import Runs
from training.analysis.subject import AnalysisSettings, OtherEncoder

SETTINGS = AnalysisSettings(most_patches=16, shown_patches=1, device="cpu", threads=1)


def run(folders: list[Path], out: Path, **options: Any) -> AnalysisResult:
    given: dict[str, Any] = {"store": None, "truth_of": lambda store: None, "dw_test": None, "encoders": []}
    return analyze(folders, out, tell=lambda text: None, **{"settings": SETTINGS, **given, **options})


@pytest.fixture(scope="module")
def everything(
    runs: Runs, truth_path: Path, tiles_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> AnalysisResult:
    folders = [folder for _, folder, _ in runs.listed()]
    out = tmp_path_factory.mktemp("out") / "analysis"
    return run(folders, out, truth_of=lambda store: truth_path, dw_test=tiles_path)


def test_every_figure_is_made(everything: AnalysisResult) -> None:
    names = [figure["name"] for figure in everything.summary["figures"]]
    assert names == [
        "checkpoint-scores", "batch-norm-kl", "masks-both", "masks-single", "weight-kl", "feature-variance",
        "maps-dw", "maps-pretrained", "calibration", "selection-quality", "selection-over-epochs", "noise-by-class",
        "noise-by-distance",
    ]  # fmt: skip
    assert everything.summary["missing"] == []
    assert everything.summary["checkpoints"] == {"both": [0, 1, 2], "single": [0, 1, 2]}
    root = everything.page.parent
    for figure in everything.summary["figures"]:
        png, svg, data = (root / file for file in figure["files"])
        with Image.open(png) as image:
            assert min(image.size) > 200
        assert svg.read_text().startswith("<?xml")
        with data.open() as file:
            assert list(csv.DictReader(file))


def test_the_page_needs_no_other_file(everything: AnalysisResult) -> None:
    page = everything.page.read_text()
    assert re.findall(r'src="(?!data:)', page) == []
    assert "http" not in re.sub(r'"data:[^"]*"|"http-equiv"|http-equiv', "", page)  # base64 may spell anything
    for figure in everything.summary["figures"]:
        assert f'id="{figure["name"]}"' in page
        assert figure["reads"].split(":")[0].split("&")[0].split("'")[0] in page
    summary = json.loads((everything.page.parent / "analysis.json").read_text())
    assert summary == everything.summary


def test_what_cannot_be_made_is_told(runs: Runs, tmp_path: Path) -> None:
    done = run([runs.pretraining[1].folder], tmp_path / "out")
    missing = {each["title"]: each["why"] for each in done.summary["missing"]}
    assert "--dw-test" in missing["Scores of each checkpoint on expert-marked tiles"]
    assert "truth is not known" in missing["Precision and recall of the sample selection"]
    assert "truth is not known" in missing["Label noise by class and by distance to a boundary"]
    names = {figure["name"] for figure in done.summary["figures"]}
    assert names == {"batch-norm-kl", "masks-single", "feature-variance", "calibration"}
    assert all(why in done.page.read_text() for why in ("--dw-test", "truth is not known"))


def test_runs_whose_store_is_gone_still_tell_of_their_weights(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.analysis.analyze.recorded_store", lambda record, folder: tmp_path / "gone.zarr")
    done = run([run.folder for run in runs.pretraining], tmp_path / "out")
    assert {figure["name"] for figure in done.summary["figures"]} == {"batch-norm-kl"}
    reasons = [each["why"] for each in done.summary["missing"]]
    assert sum("--store" in why for why in reasons) >= 3


def test_a_transfer_run_alone_is_enough(runs: Runs, tmp_path: Path) -> None:
    done = run([runs.transfer[0].folder], tmp_path / "out")
    assert {figure["name"] for figure in done.summary["figures"]} == {"weight-kl", "maps-dw"}


def test_other_encoders_are_looked_at_too(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from training.analysis.exhibits.weights_and_features import feature_variance_exhibit

    monkeypatch.setattr("training.analysis.analyze.EXHIBITS", (feature_variance_exhibit,))
    folder = runs.pretraining[1].folder
    settings = SETTINGS.model_copy(update={"most_patches": 4})
    done = run([folder], tmp_path / "out", encoders=[OtherEncoder("random", None)], settings=settings)
    data = done.page.parent / done.summary["figures"][0]["files"][2]
    with data.open() as file:
        found = {(row["encoder"], row["modality"]) for row in csv.DictReader(file)}
    assert found == {("single", "s2"), ("random", "s2"), ("random", "s1")}


def test_an_encoder_that_cannot_be_had_is_refused_before_anything_is_drawn(runs: Runs, tmp_path: Path) -> None:
    folder = runs.pretraining[1].folder
    for encoder, message in (
        (OtherEncoder("moco", tmp_path / "moco.pth"), r"moco\.pth"),
        (OtherEncoder("moco", None), "needs a file of its weights"),
        (OtherEncoder("nobody", None), "no known encoder"),
    ):
        with pytest.raises(UsageError, match=message):
            run([folder], tmp_path / "out", encoders=[OtherEncoder("random", None), encoder])
        assert not (tmp_path / "out").exists()


def test_an_encoder_that_does_not_fit_is_told_beside_the_others(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.analysis.exhibits.weights_and_features import feature_variance_exhibit

    monkeypatch.setattr("training.analysis.analyze.EXHIBITS", (feature_variance_exhibit,))
    unfit = tmp_path / "moco.safetensors"
    save_file({"some.weight": torch.zeros(3)}, unfit)
    settings = SETTINGS.model_copy(update={"most_patches": 4})
    folder = runs.pretraining[1].folder
    done = run([folder], tmp_path / "out", encoders=[OtherEncoder("moco", unfit)], settings=settings)
    assert [figure["name"] for figure in done.summary["figures"]] == ["feature-variance"]
    (missing,) = done.summary["missing"]
    assert missing["title"] == "Features of moco"
    assert str(unfit) in missing["why"]


def test_runs_that_allow_no_figure_are_an_error(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.analysis.analyze.EXHIBITS", (lambda subject: iter([Missing("A", "why not")]),))
    with pytest.raises(NoldoError, match="no figure can be made of these runs: A: why not"):
        run([runs.pretraining[0].folder], tmp_path / "out")
