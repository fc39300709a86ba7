import json
from pathlib import Path
from typing import Any

import pytest

from training.tables.made_from import MadeFrom, made_from


def record(tmp_path: Path, **settings: Any) -> dict[str, Any]:
    return {
        "train": {"path": str(tmp_path / "store" / "dw_train.zarr"), "digest": "a"},
        "test": {"path": str(tmp_path / "store" / "dw_test.zarr"), "digest": "b"},
        "train_rows": [1, 5],
        "settings": {"modality": "s2", "threads": 2, "epochs": 50, **settings},
    }


def test_an_empty_record_tells_nothing() -> None:
    assert made_from({}, {}, Path("run")) == MadeFrom()


def test_tiles_are_told_by_digests_and_rows(tmp_path: Path) -> None:
    made = made_from(record(tmp_path), {}, tmp_path)
    assert made.train_tiles == ("a", 1, 5)
    assert made.test_tiles == "b"


def test_only_settings_of_learning_count_as_such(tmp_path: Path) -> None:
    one, two, three = (made_from(record(tmp_path, **s), {}, tmp_path) for s in ({}, {"threads": 9}, {"epochs": 5}))
    assert one.training == (("epochs", "50"),)
    assert one.training == two.training != three.training


@pytest.mark.parametrize("emulated", [True, False])
def test_the_manifest_beside_the_store_tells_an_emulated_one(tmp_path: Path, emulated: bool) -> None:
    assert made_from(record(tmp_path), {}, tmp_path).emulated is None
    (tmp_path / "manifest").mkdir()
    (tmp_path / "manifest" / "provenance.json").write_text(json.dumps({"emulated": emulated}))
    assert made_from(record(tmp_path), {}, tmp_path).emulated is emulated


@pytest.mark.parametrize(
    ("change", "objective", "expected"),
    [
        ({}, {}, (0.15, 0.05)),
        ({"fusion": "late"}, {}, None),
        ({"modalities": "s2"}, {}, None),
        ({}, {"select": False}, None),
        ({"label_source": "dw"}, {"segmentation": "ce_dice", "labels": "hard"}, (0.15, 0.05)),
        ({"label_source": "dw_lcm"}, {}, None),
        ({}, {"segmentation": "sce"}, None),
        ({}, {"labels": "soft"}, None),
    ],
)
def test_smoothing_is_read_beside_the_weights_of_a_midf_run_with_selection(
    tmp_path: Path, change: dict[str, str], objective: dict[str, bool | str], expected: tuple[float, float] | None
) -> None:
    source = {"name": "NoLDO", "weights": {"file": str(tmp_path / "weights.safetensors"), "sha256": "c"}}
    assert made_from({}, source, tmp_path).smoothing is None
    objectives = {"select": True, "prior_factor": 0.15, "uniform_factor": 0.05, **objective}
    settings = {"modalities": "both", "fusion": "mid", **change, "objective": objectives}
    (tmp_path / "run.json").write_text(json.dumps({"settings": settings}))
    assert made_from({}, source, tmp_path).smoothing == expected


def test_a_relative_path_is_found_from_the_folders_above_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "build" / "manifest").mkdir(parents=True)
    (tmp_path / "build" / "manifest" / "provenance.json").write_text('{"emulated": true}')
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path / "away")
    run = tmp_path / "runs" / "one"
    told = {"test": {"path": "build/store/dw_test.zarr"}}
    assert made_from(told, {}, run).emulated is True
    assert made_from(told, {}, Path("/nowhere/one")).emulated is None
