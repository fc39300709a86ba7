"""`noldo pretrain` on a run directory in a bucket ends where it ends on a disk."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.torch import load_file

from pipeline.schema.layout import PretrainLayout, RunLayout
from pipeline.schema.paths import AnyPath
from training.pretrain import pretrain
from training.settings import PretrainSettings

RECIPE = """
pretrain:
  encoder: resnet18
  decoder_channels: [32, 16, 8]
  crop_px: 32
  epochs: 1
  batch_size: 4
  val_fraction: 0.2
  device: cpu
  threads: 1
"""


def lay_out(root: AnyPath, small: tuple[Path, Path]) -> None:
    """Write the small store and its truth as a run directory has them."""
    for source, place in zip(small, (RunLayout(root).store("nol"), RunLayout(root).truth), strict=True):
        for file in (path for path in source.rglob("*") if path.is_file()):
            target = place / file.relative_to(source).as_posix()
            if isinstance(target, Path):
                target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
        group = json.loads((place / "zarr.json").read_text())
        (place / "zarr.json").write_text(json.dumps({**group, "attributes": {"content_digest": "d"}}))


@pytest.mark.timeout(240)
def test_a_run_in_a_bucket_is_the_one_on_a_disk(
    small: tuple[Path, Path], bucket: Callable[[], AnyPath], tmp_path: Path, noldo: Callable[..., Any]
) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    settings = PretrainSettings.model_validate(yaml.safe_load(RECIPE)["pretrain"])
    place, disk = bucket(), tmp_path / "run"
    lay_out(place, small)
    lay_out(disk, small)
    on_disk = pretrain(
        settings, RunLayout(disk).store("nol"), tmp_path / "disk", reference=RunLayout(disk).truth, resume=False,
        on_progress=lambda _: None,
    )  # fmt: skip
    out = tmp_path / "bucket"
    ended = noldo("pretrain", tmp_path / "recipe.yaml", "--store", place, "--out", out, "--json", env=dict(os.environ))
    assert ended.status == 0, ended.err
    assert on_disk.result["against"] == ended.json["against"] == "truth"
    assert on_disk.result["loss_last"] == ended.json["loss_last"]
    assert on_disk.result["scores"] == ended.json["scores"]
    weights = [load_file(PretrainLayout(tmp_path / name).weights) for name in ("disk", "bucket")]
    assert all(bool((weights[0][key] == weights[1][key]).all()) for key in weights[0])
    assert json.loads(PretrainLayout(out).record.read_text())["store"] == f"{place}/store/nol.zarr"
