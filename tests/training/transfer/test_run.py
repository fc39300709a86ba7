"""A whole run: the same bits where it was stopped, frozen encoders untouched, no other run overwritten."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import zarr
from torch import Tensor

from pipeline.schema.errors import UsageError
from training.checkpoint import save_weights
from training.dual_unet import build_network
from training.transfer.layout import TransferLayout
from training.transfer.progress import TransferProgress
from training.transfer.result import TransferResult
from training.transfer.run import transfer
from training.transfer.settings import TransferSettings
from training.weight_files import read_weights

StoreWriter = Callable[..., Path]
Small = Callable[..., TransferSettings]


class StoppedError(Exception):
    """What stands for Ctrl-C in these tests."""


@pytest.fixture
def stores(tile_store: StoreWriter, tmp_path: Path) -> tuple[Path, Path]:
    return tile_store(tmp_path / "dw_train.zarr"), tile_store(tmp_path / "dw_test.zarr", tiles=4, px=44, seed=9)


def run(
    settings: TransferSettings,
    stores: tuple[Path, Path],
    out: Path,
    *,
    weights: Path | None = None,
    resume: bool = False,
    stop_at: int | None = None,
) -> TransferResult:
    def told(progress: TransferProgress) -> None:
        if stop_at is not None and progress.steps_done >= stop_at:
            raise StoppedError

    return transfer(settings, *stores, weights, out, name=None, resume=resume, on_progress=told)


def without_time(result: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key != "seconds"}


def weights_of(out: Path, seed: int) -> dict[str, Tensor]:
    return read_weights(TransferLayout(out).seed(seed).weights)


@pytest.mark.parametrize("stop_at", [3, 5, 9], ids=["in an epoch", "in a test", "in the second repeat"])
def test_a_run_that_was_stopped_ends_as_an_unbroken_one(
    stop_at: int, small: Small, stores: tuple[Path, Path], tmp_path: Path
) -> None:
    settings = small(framework="pspnet", decoder_channels=None)  # its dropout draws random numbers too
    whole = run(settings, stores, tmp_path / "whole")
    with pytest.raises(StoppedError):
        run(settings, stores, tmp_path / "broken", stop_at=stop_at)
    broken = run(settings, stores, tmp_path / "broken", resume=True)
    assert without_time(broken.result) == without_time(whole.result)
    for seed in (0, 1):
        one, other = weights_of(tmp_path / "whole", seed), weights_of(tmp_path / "broken", seed)
        assert all(torch.equal(one[name], other[name]) for name in one)
    shown = [np.load(TransferLayout(tmp_path / kind).predictions) for kind in ("whole", "broken")]
    assert all(np.array_equal(shown[0][name], shown[1][name]) for name in ("row", "s2", "label", "prediction"))
    assert not list((tmp_path / "broken").glob("seed-*/checkpoint*"))


def test_what_a_run_leaves(small: Small, stores: tuple[Path, Path], tmp_path: Path) -> None:
    steps: list[int] = []

    def told(progress: TransferProgress) -> None:
        steps.append(progress.steps_done)

    done = transfer(
        small(),
        *stores,
        None,
        tmp_path / "out",
        name=None,
        resume=False,
        on_progress=told,
    )
    result, layout = done.result, TransferLayout(tmp_path / "out")
    assert (result["name"], result["dataset"], result["input"], result["s2_bands"]) == ("random", "dw", "S2", 13)
    assert (result["framework"], result["backbone"], result["encoder"]) == ("unet", "ResNet10t", "fine-tuned")
    assert (result["train_tiles"], result["test_tiles"], result["seeds"]) == (5, 4, [0, 1])
    for score in ("OA", "AA", "mIoU", "mF1"):
        assert result["mean"][score] == pytest.approx(np.mean(result["scores"][score]))
        assert result["std"][score] == pytest.approx(np.std(result["scores"][score], ddof=1))
    labelled = int((zarr.open_group(stores[1], mode="r")["dw"][:] != 255).sum())
    assert result["pixels"] == labelled == np.sum(result["confusion"][0])
    assert steps == sorted(steps)
    assert steps[-1] == 2 * (2 * 2 + 2)
    log = [json.loads(line) for line in layout.seed(1).log.read_text().splitlines()]
    assert [line["epoch"] for line in log] == [1, 2]
    record = json.loads(layout.record.read_text())
    assert record["train"]["digest"].startswith("sha256:dw_train")
    assert (record["weights"], record["train_rows"]) == (None, [0, 1, 2, 3, 4])
    shown = np.load(layout.predictions)
    assert shown["row"].tolist() == [0, 3]
    assert shown["s2"].shape == (2, 13, 44, 44)
    counted = shown["label"] != 255
    assert counted.any()
    assert shown["prediction"].max() < 9


def test_seeds_differ_and_a_finished_run_is_returned_as_it_is(
    small: Small, stores: tuple[Path, Path], tmp_path: Path
) -> None:
    first = run(small(), stores, tmp_path / "out")
    assert first.result["scores"]["OA"][0] != first.result["scores"]["OA"][1]
    alone = run(small(first_seed=1, seeds=1), stores, tmp_path / "alone")
    assert alone.result["scores"]["OA"] == [first.result["scores"]["OA"][1]]
    assert alone.result["std"]["OA"] is None
    again = run(small(threads=1), stores, tmp_path / "out")
    assert again.reused
    assert again.result == first.result
    with pytest.raises(UsageError, match="holds a transfer run with another epochs"):
        run(small(epochs=3), stores, tmp_path / "out")
    with pytest.raises(UsageError, match="another test store"):
        run(small(), (stores[0], stores[0]), tmp_path / "out")
    described = TransferLayout(tmp_path / "out").record
    scaled = json.loads(described.read_text())
    scaled["input"]["low"][0] += 1.0  # as from a run.json beside the same weights that says otherwise
    described.write_text(json.dumps(scaled))
    with pytest.raises(UsageError, match="another scaling of the images"):
        run(small(), stores, tmp_path / "out")


def test_an_unfinished_run_is_not_gone_on_with_unasked(small: Small, stores: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        run(small(), stores, tmp_path / "out", stop_at=3)
    with pytest.raises(UsageError, match="holds an unfinished transfer run; add --resume"):
        run(small(), stores, tmp_path / "out")


@pytest.mark.parametrize("framework", ["unet", "fpn"])
def test_a_frozen_encoder_does_not_change_by_one_bit(
    framework: str, small: Small, stores: tuple[Path, Path], tmp_path: Path
) -> None:
    torch.manual_seed(3)
    source = build_network("mid", "tu-resnet10t", (16, 8, 8))
    save_weights(source, tmp_path / "weights.safetensors")
    form: dict[str, Any] = {} if framework == "unet" else {"decoder_channels": None, "encoder_depth": 5}
    settings = small(source="noldo", mode="frozen", framework=framework, seeds=1, **form)
    run(settings, stores, tmp_path / "out", weights=tmp_path / "weights.safetensors")
    trained = weights_of(tmp_path / "out", 0)
    before = source.get_submodule("encoder").state_dict()
    assert any("running_mean" in name for name in before)
    for name, weight in before.items():
        assert trained[f"net.encoder.{name}"].numpy().tobytes() == weight.numpy().tobytes()


def test_an_encoder_that_is_unfrozen_learns_from_then_on(
    small: Small, stores: tuple[Path, Path], tmp_path: Path
) -> None:
    source = build_network("mid", "tu-resnet10t", (16, 8, 8))
    save_weights(source, tmp_path / "weights.safetensors")
    name, before = "conv1.0.weight", source.get_submodule("encoder").state_dict()["model.conv1.0.weight"]
    settings = small(source="noldo", mode="frozen-then-unfrozen", unfreeze_epoch=1, seeds=1)
    with pytest.raises(StoppedError):
        run(settings, stores, tmp_path / "out", weights=tmp_path / "weights.safetensors", stop_at=3)
    kept = torch.load(TransferLayout(tmp_path / "out").seed(0).checkpoint, weights_only=True)
    assert torch.equal(kept["network"][f"encoder.model.{name}"], before)
    run(settings, stores, tmp_path / "out", weights=tmp_path / "weights.safetensors", resume=True)
    assert not torch.equal(weights_of(tmp_path / "out", 0)[f"net.encoder.model.{name}"], before)


def test_labels_that_are_ignored_change_nothing(
    small: Small, stores: tuple[Path, Path], tile_store: StoreWriter, tmp_path: Path
) -> None:
    """Codes that are no class count as no label: 255 or 77 there, the run is the same to the bit."""
    other = (
        tile_store(tmp_path / "other" / "dw_train.zarr"),
        tile_store(tmp_path / "other" / "t.zarr", tiles=4, px=44, seed=9),
    )
    for path in other:
        labels = zarr.open_array(path / "dw", mode="r+")
        values = np.asarray(labels[:])
        labels[:] = np.where(values == 255, 77, values).astype(np.uint8)
    one = run(small(seeds=1), stores, tmp_path / "one").result
    two = run(small(seeds=1), other, tmp_path / "two").result
    assert one["confusion"] == two["confusion"]
    first, second = weights_of(tmp_path / "one", 0), weights_of(tmp_path / "two", 0)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_what_does_not_fit_is_refused_before_anything_is_written(
    small: Small, stores: tuple[Path, Path], tile_store: StoreWriter, tmp_path: Path
) -> None:
    osm = tile_store(tmp_path / "osm_test.zarr", tiles=1, px=8, labels=("dw", "osm"))
    cases = [
        (small(crop_px=64), stores, None, "crop_px is 64, but the tiles of .* have 40 px"),
        (small(source="noldo"), stores, None, "needs a file of its weights"),
        (small(), stores, tmp_path / "w.ckpt", "source random takes no weights"),
        (small(), (stores[0], osm), None, "is about 'dw', .* about 'osm'"),
        (small(label="osm"), stores, None, "has no labels 'osm'"),
        (small(source="mocco"), stores, None, "no known encoder"),
        (small(encoder="resnet5"), stores, None, "does not know"),
        (small(source="noldo"), stores, tmp_path / "none.ckpt", "no such file"),
    ]
    for settings, pair, weights, said in cases:
        with pytest.raises(UsageError, match=said):
            run(settings, pair, tmp_path / "out", weights=weights)
    assert not (tmp_path / "out").exists()
