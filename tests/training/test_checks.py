from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.schema.errors import UsageError
from training.checks import check_settings, check_store
from training.dataset import open_store
from training.settings import ObjectiveSettings, PretrainSettings


@pytest.mark.parametrize("encoder", ["resnet50", "tu-resnet10t"])
def test_settings_that_can_run_pass(encoder: str) -> None:
    check_settings(PretrainSettings(encoder=encoder, crop_px=256), probabilities=False)
    check_settings(PretrainSettings(objective=ObjectiveSettings(labels="soft")), probabilities=True)


def test_an_unknown_encoder_and_too_large_a_crop_are_refused() -> None:
    with pytest.raises(UsageError, match="encoder is 'resnet51'"):
        check_settings(PretrainSettings(encoder="resnet51"), probabilities=False)
    with pytest.raises(UsageError, match="label_source is 'pl', but the store of a build has 'dw' alone"):
        check_settings(PretrainSettings(label_source="pl"), probabilities=False)
    with pytest.raises(UsageError, match="crop_px is 288, but a patch has 264 px"):
        check_settings(PretrainSettings(crop_px=288), probabilities=False)
    with pytest.raises(UsageError, match=r"set export\.dw_probabilities to true"):
        check_settings(PretrainSettings(objective=ObjectiveSettings(labels="soft")), probabilities=False)


def test_a_store_must_have_the_crop_and_the_soft_labels_that_are_asked_for(small: tuple[Path, Path]) -> None:
    store = open_store(small[0])
    check_store(PretrainSettings(crop_px=64), store)
    with pytest.raises(UsageError, match=r"crop_px is 96, but the patches of .* have 72 px"):
        check_store(PretrainSettings(crop_px=96), store)
    soft = PretrainSettings(crop_px=64, objective=ObjectiveSettings(labels="soft"))
    with pytest.raises(UsageError, match=r"build it with export\.dw_probabilities: true"):
        check_store(soft, store)
    check_store(soft, replace(store, dw_prob=store.dw))
    sure = PretrainSettings(crop_px=64, objective=ObjectiveSettings(weigh_by_confidence=True))
    with pytest.raises(UsageError, match=r"labels .*dw came without confidences"):
        check_store(sure, store)
    check_store(sure, replace(store, labels=replace(store.labels, confidence=store.dw)))
