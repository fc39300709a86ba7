import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.manifest.statistics import statistics_record
from pipeline.pack import StoreSettings
from pipeline.scaling import PUBLISHED
from pipeline.tally import Tally


def test_statistics_are_those_of_the_raw_patches(packed: Any) -> None:
    found = statistics_record(packed.shards, PUBLISHED)
    patches = [packed.patches[row.location_id] for row in packed.rows]
    for name in ("s2", "s1"):
        raw = np.stack([getattr(p, name) for p in patches]).astype(np.float64)
        for at, band in enumerate(found[name]):
            assert band["pixels"] == raw[:, :, at].size
            assert band["mean"] == pytest.approx(raw[:, :, at].mean(), rel=1e-6)
            assert band["std"] == pytest.approx(raw[:, :, at].std(), rel=1e-6)
            for percent in (5, 50, 95):
                near = {"abs": 200} if name == "s2" else {"abs": 0.2}
                exact = np.percentile(raw[:, :, at], percent)
                assert band["percentiles"][str(percent)] == pytest.approx(exact, **near)
            assert band["scaling_mean"] == PUBLISHED.of(name).mean[at]
            for season, figures in enumerate(band["seasons"]):
                values = raw[:, season, at]
                assert (figures["lowest"], figures["highest"]) == pytest.approx((values.min(), values.max()), rel=1e-7)
                assert figures["mean"] == pytest.approx(values.mean(), rel=1e-6)
                wide = 12 if name == "s2" else 0.1
                assert figures["percentiles"]["50"] == pytest.approx(
                    np.median(values), abs=2 * wide + values.std() / 50
                )
    labels = np.stack([p.dw for p in patches])
    for season, counts in enumerate(found["label_pixels_per_season"]["pretrain"]):
        assert counts == [np.count_nonzero(labels[:, season] == c) for c in [*range(9), 255]]
    assert found["label_valid_share"] == pytest.approx((labels != 255).mean(), rel=1e-7)
    assert found["label_classes"][8:] == ["snow & ice", "no label"]
    codes = np.where(labels == 255, 9, labels)
    pairs = found["label_pairs"]["pretrain"]
    assert [pair["seasons"] for pair in pairs] == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    for pair in pairs:
        first, second = (codes[:, season].ravel() for season in pair["seasons"])
        assert pair["pixels"] == np.histogram2d(first, second, bins=np.arange(11) - 0.5)[0].tolist()


def test_statistics_do_not_depend_on_the_shards(packed: Any, make_packed: Any, tmp_path: Any) -> None:
    other = make_packed(tmp_path / "other", settings=StoreSettings(shard_rows=5))
    assert statistics_record(other.shards, PUBLISHED) == statistics_record(packed.shards, PUBLISHED)
    assert statistics_record(packed.shards[::-1], PUBLISHED) == statistics_record(packed.shards, PUBLISHED)


def test_a_band_never_observed_has_no_mean(packed: Any, make_patch: Any) -> None:
    tally = Tally()
    patch = make_patch()
    tally.add(replace(patch, s2=np.zeros_like(patch.s2)))
    shard = replace(packed.shards[0], s2_sums=tally.s2_sums(), s2_histogram=tally.s2_histogram())
    found = statistics_record([shard], PUBLISHED)["s2"][0]
    assert (found["pixels"], found["mean"], found["std"]) == (0, None, None)
    assert found["seasons"][3]["percentiles"]["50"] is None
    json.dumps(found, allow_nan=False)


def test_probabilities_have_a_mean_a_season_and_class(make_packed: Any, tmp_path: Any) -> None:
    packed = make_packed(tmp_path, probabilities=True)
    found = np.array(statistics_record(packed.shards, PUBLISHED)["dw_prob_mean_per_season"])
    for season in range(4):
        prob = np.stack([p.dw_prob[season] for p in packed.patches.values()]).astype(float)
        labelled = np.stack([p.dw[season] for p in packed.patches.values()]) != 255
        for cls in range(9):
            assert found[season, cls] == pytest.approx(prob[:, cls][labelled].mean() / 255, rel=1e-6)
