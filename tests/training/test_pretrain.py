"""The whole run: it learns, stops where it must, and goes on as if it had never stopped."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.layout import PretrainLayout
from training.pretrain import PretrainResult, pretrain
from training.progress import PretrainProgress
from training.settings import PretrainSettings
from training.step import StepLosses, step_losses

OnProgress = Callable[[PretrainProgress], None]

Finished = tuple[Path, PretrainResult, list[PretrainProgress]]
"""A run's folder, its result, and what it said on the way."""


def run(
    settings: PretrainSettings,
    small: tuple[Path, Path],
    out: Path,
    *,
    resume: bool = False,
    on_progress: OnProgress = lambda progress: None,
    reference: bool = True,
) -> PretrainResult:
    return pretrain(
        settings, small[0], out, reference=small[1] if reference else None, resume=resume, on_progress=on_progress
    )


def changed(settings: PretrainSettings, **values: Any) -> PretrainSettings:
    return type(settings).model_validate({**settings.model_dump(), **values})


@pytest.fixture(scope="module")
def finished(
    small: tuple[Path, Path], tiny_settings: PretrainSettings, tmp_path_factory: pytest.TempPathFactory
) -> Finished:
    out = tmp_path_factory.mktemp("runs") / "whole"
    seen: list[PretrainProgress] = []
    return out, run(tiny_settings, small, out, on_progress=seen.append), seen


def test_a_run_leaves_its_record_log_weights_and_scores(finished: Finished, tiny_settings: PretrainSettings) -> None:
    out, result, _ = finished
    layout = PretrainLayout(out)
    assert sorted(p.name for p in out.iterdir()) == [
        "checkpoint-last.pt", "log.jsonl", "masks.npz", "recipe.yaml", "result.json", "run.json", "tensorboard",
        "weights.ckpt", "weights.safetensors",
    ]  # fmt: skip
    assert json.loads(layout.result.read_text()) == result.result
    assert json.loads(layout.record.read_text())["split"] == "by location, overlaps not checked"
    log = [json.loads(line) for line in layout.log.read_text().splitlines()]
    assert [line["epoch"] for line in log] == [1, 2]
    assert result.result["loss_first"] == log[0]["train_loss"]
    assert result.result["val_loss_last"] == log[-1]["val_loss"]
    assert (result.result["locations_train"], result.result["locations_held_out"]) == (6, 2)
    assert log[0]["train_loss"] == pytest.approx(
        log[0]["segmentation_s1"] + log[0]["segmentation_s2"] + log[0]["consistency"], rel=1e-5
    )
    assert "net.encoder1.model.conv1.0.weight" in load_file(layout.weights)
    published = torch.load(layout.published_weights, weights_only=True)["state_dict"]
    assert all(torch.equal(value, load_file(layout.weights)[name]) for name, value in published.items())
    assert yaml.safe_load(layout.recipe.read_text()) == {"pretrain": tiny_settings.model_dump(mode="json")}
    with np.load(layout.masks) as masks:
        assert masks["prediction_s2"].shape == masks["truth"].shape == (6, 72, 72)


def test_progress_counts_every_step(finished: Finished) -> None:
    _, _, seen = finished
    assert [(p.epoch, p.step) for p in seen] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert {(p.epochs, p.steps) for p in seen} == {(2, 2)}
    assert seen[0].val_loss is None
    assert seen[-1].val_loss is not None
    assert seen[-1].eta_s == 0.0
    assert seen[0].train_loss != seen[1].train_loss
    assert all(p.locations_per_s > 0 and 0 <= p.data_wait_share <= 1 for p in seen)


def test_tensorboard_shows_every_step_and_epoch(finished: Finished) -> None:
    out, result, seen = finished
    events = EventAccumulator(str(PretrainLayout(out).tensorboard))
    events.Reload()
    steps = events.Scalars("step/train_loss")
    assert [e.step for e in steps] == [1, 2, 3, 4]
    assert [e.value for e in steps] == pytest.approx([p.train_loss for p in seen])
    validation = events.Scalars("epoch/val_loss")
    assert [e.step for e in validation] == [2, 4]
    assert validation[-1].value == pytest.approx(result.result["val_loss_last"])
    assert {"epoch/lr", "epoch/train_loss", "step/consistency", "step/data_wait_share"} <= set(events.Tags()["scalars"])


def test_a_finished_run_is_not_made_again(
    finished: Finished, small: tuple[Path, Path], tiny_settings: PretrainSettings
) -> None:
    out, result, _ = finished
    before = {p.name: p.stat().st_mtime_ns for p in out.iterdir()}
    again = run(tiny_settings, small, out, on_progress=lambda progress: pytest.fail("it trained"))
    assert again.reused
    assert not result.reused
    assert again.result == result.result
    assert {p.name: p.stat().st_mtime_ns for p in out.iterdir()} == before


def test_a_folder_with_another_run_is_refused(
    finished: Finished, small: tuple[Path, Path], tiny_settings: PretrainSettings
) -> None:
    with pytest.raises(UsageError, match="holds a run with another batch_size"):
        run(changed(tiny_settings, batch_size=2), small, finished[0])


def test_a_truth_that_comes_later_is_scored_without_training_again(
    small: tuple[Path, Path], tiny_settings: PretrainSettings, tmp_path: Path
) -> None:
    settings = changed(tiny_settings, epochs=1)
    assert run(settings, small, tmp_path / "r", reference=False).result["against"] == "dw"
    untouched = run(
        settings, small, tmp_path / "r", resume=True, on_progress=lambda progress: pytest.fail("it trained")
    )
    assert untouched.result["against"] == "truth"


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_checkpoint(
    small: tuple[Path, Path],
    tiny_settings: PretrainSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bad: float,
) -> None:
    calls: list[None] = []

    def diverging(*arguments: Any, **options: Any) -> StepLosses:
        losses = step_losses(*arguments, **options)
        calls.append(None)
        if len(calls) == 4:
            losses = StepLosses(losses.total * bad, losses.parts)
        return losses

    monkeypatch.setattr("training.train_step.step_losses", diverging)
    with pytest.raises(NoldoError, match=r"epoch 2, step 2: the training loss is (nan|inf)") as stopped:
        run(tiny_settings, small, tmp_path / "r")
    checkpoint = PretrainLayout(tmp_path / "r").checkpoint
    assert str(checkpoint) in str(stopped.value)
    kept = torch.load(checkpoint, weights_only=True)
    assert (kept["processes"][0]["epoch"], kept["processes"][0]["steps"]) == (1, 0)
    assert all(torch.isfinite(v).all() for v in kept["network"].values())


def test_a_crop_larger_than_the_patches_is_refused(
    small: tuple[Path, Path], tiny_settings: PretrainSettings, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="crop_px is 96, but the patches"):
        run(changed(tiny_settings, crop_px=96), small, tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_it_learns_to_beat_the_majority_class_and_its_own_labels(
    store_writer: Callable[..., tuple[Path, Path]], tiny_settings: PretrainSettings, tmp_path: Path
) -> None:
    """Labels are 30 % wrong in blobs; the image tells the truth."""
    store = store_writer(tmp_path, locations=12, noise=0.3)
    settings = changed(tiny_settings, epochs=12, crop_px=64, objective={"ramp_epochs": 6})
    found = run(settings, store, tmp_path / "r").result
    assert found["loss_last"] < 0.8 * found["loss_first"]
    table = found["scores"]
    assert table["network_s2"]["oa"] > table["majority_class"]["oa"] + 0.3
    assert table["network_s2"]["oa"] > table["dw_label"]["oa"]
    assert found["confidence_auc"]["s2"] > 0.8
