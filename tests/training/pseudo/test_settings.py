"""Settings are the paper's by default, and the recipes are what they say."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from training.pseudo.settings import PseudoLabelSettings, TeacherSettings
from training.settings import PretrainSettings

RECIPES = Path(__file__).parents[3] / "recipes"


def test_defaults_are_the_papers() -> None:
    teacher, write = TeacherSettings(), PseudoLabelSettings().write
    assert (teacher.ema_decay, teacher.confidence, teacher.alignment_p) == (0.999, 0.968, 0.2)
    assert (teacher.alignment_down, teacher.alignment_up) == ((0.1, 0.35), (1.0, 3.0))
    assert (write.flips, min(write.scales), max(write.scales)) == (True, 0.5, 1.75)


def test_the_recipes_are_read_and_the_full_one_is_the_default() -> None:
    files = [RECIPES / name for name in ("pseudo-label.yaml", "pseudo-label-demo.yaml")]
    settings = [PseudoLabelSettings.model_validate(yaml.safe_load(f.read_text())["pseudo_label"]) for f in files]
    assert settings[0] == PseudoLabelSettings()
    demo = yaml.safe_load((RECIPES / "demo.yaml").read_text())["pretrain"]
    student = yaml.safe_load((RECIPES / "pseudo-student-demo.yaml").read_text())["pretrain"]
    PretrainSettings.model_validate(student)
    fractions = {settings[1].teacher.val_fraction, demo["val_fraction"], student["val_fraction"]}
    assert len(fractions) == 1, "or the student would be scored on what the teacher learnt"


def test_a_pretraining_of_the_same_network_and_split(few: PseudoLabelSettings) -> None:
    same = few.teacher.as_pretraining()
    assert same.modalities == "s2"
    assert (same.encoder, same.decoder_channels, same.val_fraction) == ("tu-resnet10t", (16, 8, 8), 0.2)
    assert (same.crop_px, same.device, same.threads, same.compile) == (32, "cpu", 1, "off")


@pytest.mark.parametrize(
    "wrong",
    [{"alignment_down": (0.4, 0.1)}, {"alignment_up": (0.5, 2.0)}, {"ema_decay": 1.0}, {"labelled_share": 0.0}],
    ids=str,
)
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        TeacherSettings.model_validate(wrong)
