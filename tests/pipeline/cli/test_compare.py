"""`noldo compare` on small stores: every run is made, the tables follow, and what is finished is not made again."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from pipeline.cli.compare import compare
from pipeline.schema.errors import UsageError
from training.json_file import read_json

RECIPE: dict[str, Any] = {
    "pretrain": {
        "encoder": "tu-resnet10t", "decoder_channels": [16, 8, 8, 8, 8], "crop_px": 64, "batch_size": 2, "epochs": 1,
        "val_fraction": 0.5, "threads": 1, "objective": {"ramp_epochs": 1},
    },
    "transfer": {
        "encoder": "tu-resnet10t", "framework": "fpn", "epochs": 1, "cosine_epochs": 1,
        "batch_size": 2, "crop_px": 64, "window_px": 128, "overlap": 0.0, "shown_tiles": 1, "threads": 1,
    },
    "rows": ["random", "CromSS-midF"],
    "inputs": ["s2"],
    "seeds": 1,
}  # fmt: skip


@pytest.fixture
def recipe(tmp_path: Path, small_run: tuple[Path, Any], dw_run: Path) -> Path:
    path = tmp_path / "compare.yaml"
    told = {**RECIPE, "store": str(small_run[0]), "sets": {"dw": {"store": str(dw_run)}}}
    path.write_text(yaml.safe_dump({"compare": told}))
    return path


def run(recipe: Path, out: Path, *settings: str) -> Any:
    arguments = [str(recipe), "--out", str(out), *(word for told in settings for word in ("--set", told))]
    return CliRunner().invoke(compare, arguments, catch_exceptions=False)


def test_a_comparison_is_made_whole_and_only_once(recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = run(recipe, out)
    assert ended.exit_code == 0, ended.stderr
    assert "1 pretrainings, 4 transfers of 1 repeats" in ended.stdout
    made = read_json(out / "comparison.json")
    assert [(r["name"], r["encoder"]) for r in made["transfers"]] == [
        ("random", "frozen"), ("random", "fine-tuned"), ("CromSS-midF", "frozen"), ("CromSS-midF", "fine-tuned")
    ]  # fmt: skip
    table = (out / "tables" / "tables.md").read_text()
    for result in made["transfers"]:
        assert f"{100 * result['mean']['mIoU']:.2f}" in table
    weights = sorted(out.rglob("*.safetensors"))
    assert len(weights) == 5
    assert len(made["made_with"]) == 1
    kept = [*weights, out / "comparison.json"]
    before = {path: path.stat().st_mtime_ns for path in kept}
    again = run(recipe, out)
    assert again.exit_code == 0, again.stderr
    assert {path: path.stat().st_mtime_ns for path in kept} == before
    assert "Nothing to do" in again.stdout


def test_what_is_not_there_is_told_before_anything_runs(recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="compare: unknown key 'seds'"):
        run(recipe, tmp_path / "out", "compare.seds=2")
    with pytest.raises(UsageError, match=r"expected one \*_train.zarr"):
        run(recipe, tmp_path / "out", f"compare.sets.dw.store={tmp_path}")
    assert not (tmp_path / "out").exists()
    with pytest.raises(UsageError, match="crop_px is 1024"):
        run(recipe, tmp_path / "out", "compare.transfer.crop_px=1024")
    assert not (tmp_path / "out").exists()


def test_several_processes_are_refused(recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match="start it without torchrun"):
        run(recipe, tmp_path / "out")
