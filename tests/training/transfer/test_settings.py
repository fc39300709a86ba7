"""The defaults are the paper's, contradictions are refused in one line, and every recipe is sound."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.schema.errors import UsageError
from pipeline.schema.strict import validated
from training.transfer.settings import TransferSettings

RECIPES = sorted((Path(__file__).parents[3] / "recipes").glob("transfer-*.yaml"))


def test_the_defaults_are_the_papers() -> None:
    made = TransferSettings()
    assert (made.epochs, made.cosine_epochs, made.batch_size) == (50, 40, 32)
    assert (made.learning_rate, made.final_learning_rate, made.weight_decay) == (5e-4, 1e-5, 1e-8)
    assert (made.flip_p, made.rotation_p, made.rotation_max_deg, made.seeds) == (0.5, 0.2, 90.0, 3)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_are_sound(path: Path) -> None:
    raw = yaml.safe_load(path.read_text())
    made = validated(TransferSettings, raw["transfer"], where=path.name)
    papers = {"dw": ("deeplabv3+", 56, 496), "osm": ("fpn", 32, 480), "dfc": ("pspnet", 32, None)}
    if made.label is not None:
        assert (made.framework, made.batch_size, made.crop_px) == papers[made.label]
        assert made.modality == path.stem[-2:]


def test_every_set_of_the_paper_has_its_recipes() -> None:
    assert {path.stem for path in RECIPES} == {
        *(f"transfer-{name}-{modality}" for name in ("dw", "osm", "dfc2020") for modality in ("s1", "s2")),
        "transfer-demo",
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"framework": "fpn", "load": "encoder+2"}, "the weights' decoder is a U-Net's"),
        ({"source": "random", "load": "all"}, "source is random"),
        ({"framework": "fpn", "decoder_channels": [8, 8, 8]}, "are those of a U-Net"),
        ({"mode": "frozen-then-unfrozen"}, "give unfreeze_epoch"),
        ({"unfreeze_epoch": 3}, "give unfreeze_epoch"),
        ({"mode": "frozen-then-unfrozen", "unfreeze_epoch": 50}, "there are 50 epochs"),
        ({"load": "encoder+5"}, "'load' is 'encoder\\+5'"),
        ({"batch_size": 1}, "'batch_size' is 1"),
        ({"train_share": 0.0}, "'train_share' is 0.0"),
        ({"framwork": "fpn"}, "did you mean 'framework'"),
        ({"tta": {"flip": True}}, "did you mean 'flips'"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        validated(TransferSettings, changes, where="recipe")
    assert "\n" not in str(refused.value)
