import pytest

from training.encoders.catalogue import encoder_spec
from training.settings import PretrainSettings
from training.transfer.row_name import row_name
from training.variants import VARIANTS, variant_settings


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_pretraining_is_named_as_the_paper_does(variant: str) -> None:
    settings = variant_settings(PretrainSettings().model_dump(), variant, 0).model_dump(mode="json")
    assert row_name(encoder_spec("noldo"), settings) == variant.removesuffix(" S1").removesuffix(" S2")


def test_without_a_pretraining_it_is_the_source() -> None:
    assert row_name(encoder_spec("moco"), {}) == "MoCo"
