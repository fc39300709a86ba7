"""The one section of a recipe that a command reads."""

from pathlib import Path

import pytest

from pipeline.recipe_section import read_section
from pipeline.schema.errors import UsageError


def section(tmp_path: Path, *settings: str) -> dict[str, object]:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("name: nol\npretrain: {epochs: 40}\n")
    return read_section(recipe, settings, "pretrain", "recipes/demo.yaml")


def test_settings_of_the_section_hold(tmp_path: Path) -> None:
    assert section(tmp_path) == {"epochs": 40}
    assert section(tmp_path, "pretrain.epochs=2", "pretrain.seed=1") == {"epochs": 2, "seed": 1}
    assert section(tmp_path, "pretrain={epochs: 3}") == {"epochs": 3}


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("epochs=2", "did you mean --set pretrain.epochs=2?"),
        ("sample.count=3", "reads only the recipe's section 'pretrain'"),
        ("pretrain=3", "has no 'pretrain' section; add one, or use recipes/demo.yaml"),
        ("epochs", "expected KEY.PATH=VALUE"),
    ],
)
def test_a_setting_that_would_change_nothing_is_refused(tmp_path: Path, setting: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        section(tmp_path, setting)
    assert says in str(caught.value)
