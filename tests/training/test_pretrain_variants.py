"""Every kind of run goes from store to scores, and says what it has and nothing else."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from safetensors.torch import load_file

from pipeline.schema.errors import UsageError
from pipeline.schema.layout import PretrainLayout
from training.pretrain import pretrain
from training.settings import PretrainSettings


def run(settings: PretrainSettings, store: tuple[Path, Path], out: Path, **changes: Any) -> dict[str, Any]:
    objective = {**settings.objective.model_dump(), **changes.pop("objective", {})}
    changed = PretrainSettings.model_validate({**settings.model_dump(), "epochs": 1, **changes, "objective": objective})
    return pretrain(changed, store[0], out, reference=store[1], resume=False, on_progress=lambda progress: None).result


def log_line(out: Path) -> dict[str, Any]:
    return json.loads(PretrainLayout(out).log.read_text())


@pytest.mark.parametrize(("modality", "bands"), [("s1", 13), ("s2", 9)])
def test_a_run_of_one_modality(
    small: tuple[Path, Path], tiny_settings: PretrainSettings, tmp_path: Path, modality: str, bands: int
) -> None:
    found = run(tiny_settings, small, tmp_path, modalities=modality, s2_bands=bands)
    other = {"s1": "s2", "s2": "s1"}[modality]
    assert found["scores"].keys() == {f"network_{modality}", "majority_class", "dw_label"}
    assert found["selection_auc"].keys() == found["confidence_auc"].keys() == {modality, "per_class"}
    line = log_line(tmp_path)
    assert line["train_loss"] == pytest.approx(line[f"segmentation_{modality}"])
    assert not line.keys() & {f"segmentation_{other}", "consistency"}
    first = load_file(PretrainLayout(tmp_path).weights)["net.encoder.model.conv1.0.weight"]
    assert first.shape[1] == (2 if modality == "s1" else bands)
    with np.load(PretrainLayout(tmp_path).masks) as masks:
        names = {name for name in masks.files if name.startswith(("weight", "prediction"))}
    assert names == {f"weight_{modality}", f"prediction_{modality}"}


@pytest.mark.parametrize("segmentation", ["sce", "gce"])
def test_a_run_with_a_robust_loss_and_no_selection(
    small: tuple[Path, Path], tiny_settings: PretrainSettings, tmp_path: Path, segmentation: str
) -> None:
    found = run(
        tiny_settings, small, tmp_path, fusion="late", objective={"segmentation": segmentation, "select": False}
    )
    assert found["scores"].keys() >= {"network_s1", "network_s2"}
    assert np.isfinite(found["loss_last"])


@pytest.fixture(scope="module")
def with_probabilities(small: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The small store, and the probabilities 0.8 for each pixel's label and 0.025 for every other class."""
    folder = tmp_path_factory.mktemp("soft")
    shutil.copytree(small[0], folder / "nol.zarr")
    group = zarr.open_group(folder / "nol.zarr", mode="a")
    dw = np.asarray(group["dw"])
    share = np.where(dw[:, :, None] == np.arange(9)[:, None, None], 204, 6) * (dw != 255)[:, :, None]
    group.create_array("dw_prob", data=share.astype(np.uint8), chunks=(1, 1, 9, *dw.shape[2:]))
    return folder / "nol.zarr", small[1]


def test_a_run_on_soft_labels_learns_the_probabilities(
    with_probabilities: tuple[Path, Path], tiny_settings: PretrainSettings, tmp_path: Path
) -> None:
    plain = {"prior_factor": 0.0, "uniform_factor": 0.0}
    soft = run(tiny_settings, with_probabilities, tmp_path / "soft", objective={"labels": "soft", **plain})
    hard = run(tiny_settings, with_probabilities, tmp_path / "hard", objective=plain)
    smoothed = run(
        tiny_settings,
        with_probabilities,
        tmp_path / "smoothed",
        objective={"prior_factor": 0.0, "uniform_factor": 0.225},
    )
    assert soft["loss_first"] != pytest.approx(hard["loss_first"], rel=1e-3)
    # 0.8 and 0.025 are what uniform smoothing by 0.225 makes of a hard label; only the selection differs.
    assert soft["loss_first"] == pytest.approx(smoothed["loss_first"], rel=0.02)


def test_a_store_without_probabilities_is_refused_before_anything_is_written(
    small: tuple[Path, Path], tiny_settings: PretrainSettings, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"export\.dw_probabilities: true"):
        run(tiny_settings, small, tmp_path / "r", objective={"labels": "soft"})
    assert not (tmp_path / "r").exists()
