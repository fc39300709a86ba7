from typing import Any

import numpy as np
import pytest

from pipeline.manifest.statistics import statistics_record
from pipeline.pack import StoreSettings
from pipeline.schema.records import BandSum, ShardRecord


def test_statistics_are_those_of_the_raw_patches(packed: Any) -> None:
    found = statistics_record(packed.shards)
    patches = [packed.patches[row.location_id] for row in packed.rows]
    for name in ("s2", "s1"):
        raw = np.stack([getattr(p, name) for p in patches]).astype(np.float64)
        for at, band in enumerate(found[name]):
            assert band["pixels"] == raw[:, :, at].size
            assert band["mean"] == pytest.approx(raw[:, :, at].mean(), rel=1e-7)
            assert band["std"] == pytest.approx(raw[:, :, at].std(), rel=1e-7)
    labels = np.stack([p.dw for p in patches])
    for season, counts in enumerate(found["label_pixels_per_season"]):
        assert counts == [np.count_nonzero(labels[:, season] == c) for c in [*range(9), 255]]
    assert found["label_valid_share"] == pytest.approx((labels != 255).mean(), rel=1e-7)
    assert found["label_classes"][8:] == ["snow & ice", "no label"]


def test_statistics_do_not_depend_on_the_shards(packed: Any, make_packed: Any, tmp_path: Any) -> None:
    other = make_packed(tmp_path / "other", settings=StoreSettings(shard_rows=5))
    assert statistics_record(other.shards) == statistics_record(packed.shards)


def test_a_band_never_observed_has_no_mean() -> None:
    nothing = BandSum(0, 0.0, 0.0)
    shard = ShardRecord(0, 0, (), (), (), ((1,) * 10,) * 4, (nothing,) * 13, (nothing,) * 2)
    assert statistics_record([shard])["s2"][0]["mean"] is None
