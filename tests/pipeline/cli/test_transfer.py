"""`noldo transfer`: which stores are meant, what is refused, and what is said of a run."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli.transfer import find_split_stores, key_lines, progress_words, score_lines, transfer
from pipeline.schema.errors import UsageError
from training.transfer.progress import TransferProgress
from training.transfer.result import TransferResult

RECIPES = Path(__file__).parents[3] / "recipes"

RESULT: dict[str, Any] = {
    "name": "CromSS-midF",
    "framework": "fpn",
    "backbone": "ResNet50",
    "input": "S2",
    "encoder": "frozen",
    "train_tiles": 10,
    "test_tiles": 4,
    "seeds": [0, 1],
    "pixels": 1_250_000,
    "mean": {"OA": 0.5, "mIoU": 0.25},
    "std": {"OA": 0.01, "mIoU": None},
    "per_class": {"names": ["water", "trees"], "iou": [[0.5, None], [0.7, None]]},
}


def test_the_two_stores_of_a_set_are_found(tmp_path: Path) -> None:
    for name in ("dw_train.zarr", "dw_test.zarr"):
        (tmp_path / "store" / name).mkdir(parents=True)
    train, test = find_split_stores(tmp_path)
    assert (train.name, test.name) == ("dw_train.zarr", "dw_test.zarr")
    (tmp_path / "store" / "osm_test.zarr").mkdir()
    with pytest.raises(UsageError, match=r"expected one \*_test\.zarr in .*, found dw_test\.zarr, osm_test\.zarr"):
        find_split_stores(tmp_path)
    with pytest.raises(UsageError, match="found none"):
        find_split_stores(tmp_path / "nowhere")


def test_scores_are_told_in_percent() -> None:
    lines = score_lines(RESULT)
    assert "CromSS-midF: fpn with ResNet50, S2, encoder frozen" in lines[0]
    assert any("50.00 ± 1.00 %" in line for line in lines)
    assert any("25.00 %" in line for line in lines)
    assert any("water" in line and "60.00 %" in line for line in lines)
    assert not any("trees" in line for line in lines)


def test_weights_that_the_encoder_lacks_are_named() -> None:
    keys = {"loaded": ["a", "b"], "missing": ["layer4.w", "decoder.blocks.0.w"], "unexpected": []}
    lines = key_lines({"weights": {"keys": keys}})
    assert lines == ["Weights: 2 loaded, 2 missing, 0 unexpected", "  missing in the encoder, left as it was: layer4.w"]
    assert key_lines({"weights": None}) == []


def test_progress_is_told_in_words() -> None:
    counts = {"repeat": 1, "repeats": 2, "epoch": 4, "epochs": 5, "done": 1, "total": 2}
    at = TransferProgress(seed=3, stage="train", loss=0.5, steps_done=7, steps_total=20, **counts)
    assert progress_words(at) == ["repeat 1/2", "epoch 4/5", "loss 0.500"]


@pytest.fixture
def stores(tmp_path: Path) -> Path:
    for name in ("dw_train.zarr", "dw_test.zarr"):
        (tmp_path / "run" / "store" / name).mkdir(parents=True)
    return tmp_path / "run"


def test_the_command_hands_on_what_it_was_told(stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[Any] = []

    def run(settings: Any, train: Path, test: Path, weights: Path, out: Path, **options: Any) -> TransferResult:
        got.append((settings, train.name, test.name, weights, options["name"], options["resume"]))
        out.mkdir()
        (out / "transfer.json").write_text(json.dumps({"weights": None}))
        return TransferResult(out, RESULT, reused=False)

    monkeypatch.setattr("training.transfer.run.transfer", run)
    arguments = [str(RECIPES / "transfer-demo.yaml"), "--store", str(stores), "--weights", "w.ckpt", "--json"]
    arguments += ["--out", str(tmp_path / "out"), "--name", "ours", "--set", "transfer.seeds=1"]
    ended = CliRunner().invoke(transfer, arguments)
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout) == RESULT
    ((settings, *rest),) = got
    assert settings.seeds == 1
    assert rest == ["dw_train.zarr", "dw_test.zarr", Path("w.ckpt"), "ours", False]


def test_a_run_that_was_stopped_says_how_it_goes_on(
    stores: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: Any, **options: Any) -> None:
        (tmp_path / "out" / "seed-0").mkdir(parents=True)
        (tmp_path / "out" / "seed-0" / "checkpoint-last.pt").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr("training.transfer.run.transfer", stop)
    arguments = [str(RECIPES / "transfer-demo.yaml"), "--store", str(stores), "--out", str(tmp_path / "out")]
    ended = CliRunner().invoke(transfer, arguments)
    assert ended.exit_code == 1
    assert "--resume goes on with them" in " ".join(ended.stderr.split())


def test_a_recipe_without_the_section_is_refused(stores: Path, tmp_path: Path) -> None:
    arguments = [str(RECIPES / "dw.yaml"), "--store", str(stores), "--out", str(tmp_path / "out")]
    ended = CliRunner().invoke(transfer, arguments)
    assert isinstance(ended.exception, UsageError)
    assert "has no 'transfer' section" in str(ended.exception)
