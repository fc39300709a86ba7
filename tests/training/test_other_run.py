"""A folder's run is told from others by run.json alone."""

import subprocess
import sys
from pathlib import Path

from training.json_file import write_json
from training.other_run import other_run
from training.settings import PretrainSettings


def test_a_folder_without_a_run_or_with_the_same_is_free(tmp_path: Path) -> None:
    assert other_run(PretrainSettings(), tmp_path / "none") is None
    write_json(tmp_path / "run.json", {"settings": PretrainSettings(device="cpu", threads=3).model_dump(mode="json")})
    assert other_run(PretrainSettings(), tmp_path) is None


def test_the_settings_that_differ_are_named(tmp_path: Path) -> None:
    other = PretrainSettings.model_validate({"epochs": 7, "objective": {"ramp": "linear"}})
    write_json(tmp_path / "run.json", {"settings": other.model_dump(mode="json")})
    assert other_run(PretrainSettings(), tmp_path) == "epochs, objective.ramp"


def test_what_an_earlier_version_could_not_be_told_is_the_default(tmp_path: Path) -> None:
    before = PretrainSettings().model_dump(mode="json")
    del before["modalities"], before["objective"]["segmentation"]
    write_json(tmp_path / "run.json", {"settings": before})
    assert other_run(PretrainSettings(), tmp_path) is None
    assert other_run(PretrainSettings(modalities="s1"), tmp_path) == "modalities"
    write_json(tmp_path / "run.json", {"settings": {**before, "unheard_of": 1}})
    assert other_run(PretrainSettings(), tmp_path) == "modalities, objective.segmentation"


def test_it_needs_neither_torch_nor_tensorstore() -> None:
    code = "import sys, training.other_run; sys.exit(bool({'torch', 'tensorstore'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
