"""Settings are the paper's by default, and refuse what cannot be."""

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.schema.errors import UsageError
from pipeline.schema.strict import validated
from training.objective import Objective
from training.settings import ObjectiveSettings, PretrainSettings


def test_defaults_are_the_papers() -> None:
    settings = PretrainSettings()
    assert (settings.epochs, settings.batch_size, settings.learning_rate, settings.weight_decay) == (
        200,
        128,
        5e-3,
        1e-8,
    )
    assert (settings.plateau_patience, settings.plateau_factor, settings.val_fraction) == (30, 0.5, 0.01)
    assert (settings.crop_px, settings.flip_p, settings.rotation_p, settings.rotation_max_deg) == (256, 0.5, 0.2, 90.0)


def test_objective_settings_are_the_objectives_fields_and_defaults() -> None:
    assert ObjectiveSettings().model_dump() == dataclasses.asdict(Objective())


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"learning_rte": 1e-3}, "unknown key 'learning_rte'; did you mean 'learning_rate'?"),
        ({"objective": {"ramp_epoch": 3}}, "unknown key 'objective.ramp_epoch'; did you mean 'ramp_epochs'?"),
        ({"crop_px": 100}, "'crop_px' is 100"),
        ({"fusion": "early"}, "'fusion' is 'early'"),
        ({"s2_bands": 10}, "'s2_bands' is 10"),
        ({"decoder_channels": [64, 32]}, "'decoder_channels'"),
        ({"val_fraction": 0.0}, "'val_fraction' is 0.0"),
        ({"label_source": "pl", "objective": {"labels": "soft"}}, "needs label_source 'dw'"),
        ({"objective": {"prior_factor": 0.7, "uniform_factor": 0.5}}, "at most 1 together"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(raw: dict[str, Any], expected: str) -> None:
    with pytest.raises(UsageError) as refused:
        validated(PretrainSettings, raw, where="pretrain")
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)


NINE_BANDS, PLAIN = {"s2_bands": 9}, {"objective": {"select": False}}
UNSMOOTHED = {"select": False, "prior_factor": 0.0, "uniform_factor": 0.0}
VARIANTS: dict[str, dict[str, Any]] = {
    "cromss-mid": {},
    "cromss-late": {"fusion": "late"},
    "cromss-mid-9b": NINE_BANDS,
    "cromss-late-9b": {"fusion": "late", **NINE_BANDS},
    "mid": PLAIN,
    "late": {"fusion": "late", **PLAIN},
    "single-s1": {"modalities": "s1"},
    "single-s2": {"modalities": "s2"},
    "smoothing-none": {"objective": {"prior_factor": 0.0, "uniform_factor": 0.0}},
    "smoothing-uniform": {"objective": {"prior_factor": 0.0, "uniform_factor": 0.2}},
    "smoothing-prior": {"objective": {"prior_factor": 0.2, "uniform_factor": 0.0}},
    "sce-mid": {"objective": {"segmentation": "sce", **UNSMOOTHED}},
    "gce-mid": {"objective": {"segmentation": "gce", **UNSMOOTHED}},
    "soft-mid": {"objective": {"labels": "soft"}},
    "pseudo-s1": {
        "modalities": "s1",
        "label_source": "pl",
        "objective": {"segmentation": "sce", "lovasz_weight": 1.0, "prior_factor": 0.0, "uniform_factor": 0.0},
    },
}


def test_every_variant_has_a_recipe_that_changes_nothing_else() -> None:
    files = Path(__file__).parents[2].glob("recipes/pretrain-*.yaml")
    found = {file.stem.removeprefix("pretrain-"): yaml.safe_load(file.read_text())["pretrain"] for file in files}
    assert found.keys() == VARIANTS.keys()
    for name, raw in found.items():
        assert PretrainSettings.model_validate(raw) == PretrainSettings.model_validate(VARIANTS[name]), name


def test_importing_the_settings_does_not_import_torch() -> None:
    code = "import sys, training.settings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
