"""A whole comparison: what it leaves, what it finds, and that nothing finished is done again."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from pipeline.schema.errors import UsageError
from pipeline.schema.layout import PretrainLayout
from training.robustness.layout import RobustnessLayout
from training.robustness.run import RobustnessProgress, RobustnessResult, robustness
from training.robustness.settings import RobustnessSettings
from training.settings import PretrainSettings


def compared(
    tiny: PretrainSettings, small: tuple[Path, Path], out: Path, *, truth: bool = True, **noise: Any
) -> tuple[RobustnessResult, list[RobustnessProgress]]:
    settings = RobustnessSettings.model_validate(
        {
            "pretrain": {**tiny.model_dump(), "modalities": "s2", "epochs": 1, "keep_every": 1},
            "noise": {"kind": "blobs", "clean": "truth", "blob_px": 8, "rates": [0.1, 0.4], **noise},
            "samples": 200,
        }
    )
    told: list[RobustnessProgress] = []
    done = robustness(settings, small[0], out, truth=small[1] if truth else None, on_progress=told.append)
    return done, told


@pytest.fixture(scope="module")
def finished(
    tiny_settings: PretrainSettings, small: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[RobustnessResult, list[RobustnessProgress]]:
    return compared(tiny_settings, small, tmp_path_factory.mktemp("robustness") / "out")


def test_it_leaves_tables_a_figure_and_a_result(finished: tuple[RobustnessResult, Any]) -> None:
    done, _ = finished
    layout = done.layout
    assert sorted(p.name for p in layout.root.iterdir()) == [
        "labels", "layers.csv", "networks", "networks.csv", "result.json", "robustness.md", "robustness.png",
        "robustness.svg",
    ]  # fmt: skip
    assert done.result == json.loads(layout.result.read_text())
    assert [row["name"] for row in done.result["networks"]] == ["clean", "noise-0.1", "noise-0.4"]
    assert [row["rate"] for row in done.result["networks"]] == pytest.approx([0.0, 0.1, 0.4], abs=1e-3)
    assert done.result["clean"] == "truth"
    with layout.layers.open() as file:
        layers = list(csv.DictReader(file))
    assert [row["layer"] for row in layers[:7]] == [
        "encoder 1", "encoder 2", "encoder 3", "decoder 1", "decoder 2", "decoder 3", "head",
    ]  # fmt: skip
    assert [float(row["cka"]) for row in layers] == [row["cka"] for row in done.result["layers"]]
    assert len(layers) == 3 * 7
    assert layout.figure("png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in layout.figure("svg").read_text()
    said = layout.markdown.read_text()
    assert "| layer | channels | pixels | 10.0 % | 40.0 % | untrained |" in said
    clean = done.result["networks"][0]
    assert f"| 0.0 % | {100 * clean['oa']:.1f} | {100 * clean['aa']:.1f} |" in said


def test_all_networks_begin_alike(finished: tuple[RobustnessResult, Any]) -> None:
    layout = finished[0].layout
    first, *others = (
        load_file(PretrainLayout(layout.network(name)).kept_weights(0)) for name in ("clean", "noise-0.1", "noise-0.4")
    )
    for other in others:
        assert all(bool((other[name] == tensor).all()) for name, tensor in first.items())


def test_parts_are_means_of_their_layers(finished: tuple[RobustnessResult, Any]) -> None:
    result = finished[0].result
    part = next(p for p in result["parts"] if (p["network"], p["part"]) == ("noise-0.4", "decoder"))
    rows = [r for r in result["layers"] if (r["network"], r["part"]) == ("noise-0.4", "decoder")]
    assert part["cka"] == pytest.approx(sum(r["cka"] for r in rows) / 3)
    assert part["bn_kl"] == pytest.approx(sum(r["bn_kl"] for r in rows) / 3)


def test_finished_networks_are_not_trained_again_and_new_rates_join_them(
    finished: tuple[RobustnessResult, Any], tiny_settings: PretrainSettings, small: tuple[Path, Path]
) -> None:
    done, first_told = finished
    layout = done.layout
    assert any("epoch 1/1" in p.detail for p in first_told)
    files = {p: p.stat().st_mtime_ns for p in (layout.root / "networks").rglob("*") if p.is_file()}
    again, told = compared(tiny_settings, small, layout.root)
    assert not any("epoch" in p.detail or p.stage == "labels" for p in told)
    assert again.findings == done.findings
    more, told = compared(tiny_settings, small, layout.root, rates=[0.1, 0.2, 0.4])
    trained = {p.detail.split(",")[0] for p in told if "epoch" in p.detail}
    assert trained == {"noise-0.2"}
    assert {p: p.stat().st_mtime_ns for p in files} == files
    assert [row.name for row in more.findings.networks] == ["clean", "noise-0.1", "noise-0.2", "noise-0.4"]


def test_an_interrupted_comparison_goes_on(
    tiny_settings: PretrainSettings, small: tuple[Path, Path], tmp_path: Path, finished: tuple[RobustnessResult, Any]
) -> None:
    settings = RobustnessSettings.model_validate(finished[0].result["settings"])

    def stop(progress: RobustnessProgress) -> None:
        if progress.stage == "networks" and progress.done == 1 and "epoch" in progress.detail:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        robustness(settings, small[0], tmp_path, truth=small[1], on_progress=stop)
    layout = RobustnessLayout(tmp_path)
    before = PretrainLayout(layout.network("clean")).weights.stat().st_mtime_ns
    assert not layout.result.exists()
    done = robustness(settings, small[0], tmp_path, truth=small[1], on_progress=lambda progress: None)
    assert PretrainLayout(layout.network("clean")).weights.stat().st_mtime_ns == before
    expected = finished[0].result["layers"]
    assert [row["cka"] for row in done.result["layers"][:14]] == pytest.approx([row["cka"] for row in expected[:14]])


def test_without_a_truth_only_the_labels_can_be_clean(
    tiny_settings: PretrainSettings, small: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="take noise of kind 'blobs' with clean 'labels'"):
        compared(tiny_settings, small, tmp_path, truth=False)
    done, _ = compared(tiny_settings, small, tmp_path, truth=False, clean="labels", rates=[0.3])
    assert done.result["clean"] == "labels"
    assert "the labels count as clean" in done.layout.markdown.read_text()
