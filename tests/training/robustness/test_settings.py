"""What a comparison refuses to be told."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.recipe import read_yaml
from pipeline.schema.errors import UsageError
from pipeline.schema.strict import validated
from training.robustness.settings import BlobNoise, PlanetNoise, RobustnessSettings

RECIPES = Path(__file__).parents[3] / "recipes"


def told(**section: Any) -> RobustnessSettings:
    return validated(RobustnessSettings, {"pretrain": {"modalities": "s2"}, **section}, where="robustness")


@pytest.mark.parametrize("name", ["robustness-demo", "robustness"])
def test_the_recipes_are_read(name: str) -> None:
    settings = told(**read_yaml(RECIPES / f"{name}.yaml")["robustness"])
    assert settings.pretrain.modalities == "s2"
    assert isinstance(settings.noise, PlanetNoise if name == "robustness-demo" else BlobNoise)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"pretrain": {"modalities": "both"}}, "networks of one modality are compared"),
        ({"pretrain": {"modalities": "s1", "objective": {"labels": "soft"}}}, "which labels made for this have not"),
        ({"noise": {"kind": "planet", "rates": [0.2, 0.1]}}, "rates are 0.2, 0.1; give them rising"),
        ({"noise": {"kind": "planet", "rates": ["own", 0.1]}}, "'own' is the highest rate"),
        ({"noise": {"kind": "blobs", "rates": [0.1, 0.1]}}, "give them rising"),
        ({"noise": {"kind": "blobs", "rates": ["own"]}}, "noise.rates"),
        ({"noise": {"kind": "blobs", "rates": [1.5]}}, "noise.rates"),
        ({"noise": {"kind": "blobs", "rates": []}}, "noise.rates"),
        ({"noise": {"kind": "fog"}}, "noise"),
        ({"noise": {"kind": "blobs", "blob": 3}}, "unknown key 'noise.blob'; did you mean 'blob_px'"),
    ],
)
def test_what_cannot_be_is_refused(section: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        told(**section)
