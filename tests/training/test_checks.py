import pytest

from pipeline.schema.errors import UsageError
from training.checks import check_settings
from training.settings import PretrainSettings


@pytest.mark.parametrize("encoder", ["resnet50", "tu-resnet10t"])
def test_settings_that_can_run_pass(encoder: str) -> None:
    check_settings(PretrainSettings(encoder=encoder, crop_px=256))


def test_an_unknown_encoder_and_too_large_a_crop_are_refused() -> None:
    with pytest.raises(UsageError, match="encoder is 'resnet51'"):
        check_settings(PretrainSettings(encoder="resnet51"))
    with pytest.raises(UsageError, match="crop_px is 288, but a patch has 264 px"):
        check_settings(PretrainSettings(crop_px=288))
