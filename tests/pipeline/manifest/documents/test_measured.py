from collections.abc import Callable

import pytest

from pipeline.manifest.described import Described
from pipeline.manifest.documents.measured import label_pixels, measured_labels, season_change

STATISTICS = {
    "label_classes": ["water", "trees", "no label"],
    "label_pixels_per_season": {"pretrain": [[1, 90, 9], [1, 98, 1]]},
    "label_pairs": {"pretrain": [{"seasons": [0, 1], "pixels": [[6, 2, 9], [0, 2, 9], [9, 9, 9]]}]},
}


def test_shares_of_a_pretraining_set(describe_made_up: Callable[..., Described]) -> None:
    described = describe_made_up(statistics=STATISTICS)
    assert label_pixels(described) == {"dw": {"water": 2, "trees": 188, "no label": 10}}
    assert season_change(described) == pytest.approx(0.2)  # pixels without a label in either season do not count
    classes, change = measured_labels(described)
    assert "95.0 % of the pixels have a label, most often trees 98.9 %" in classes
    assert "rare: water (1.1 %)" in classes
    assert change.startswith("Of pixels labelled in two seasons, 20.0 % have another class")


def test_tiles_add_up_over_their_stores(describe_made_up: Callable[..., Described]) -> None:
    per_store = {"label_pixels": {"dw": {"water": 3, "no label": 1}}}
    described = describe_made_up("dw", statistics={"dw_train": per_store, "dw_test": per_store})
    assert label_pixels(described) == {"dw": {"water": 6, "no label": 2}}
    assert season_change(described) is None
    assert measured_labels(described) == ("`dw`: 75.0 % of the pixels have a label, most often water 100.0 %.",)


def test_a_set_without_labels_says_so(describe_made_up: Callable[..., Described]) -> None:
    statistics = {"label_classes": ["water", "no label"], "label_pixels_per_season": {"pretrain": [[0, 5]]}}
    assert measured_labels(describe_made_up(statistics=statistics)) == ("`dw`: no pixel has a label.",)
    assert measured_labels(describe_made_up(statistics={})) == ()
