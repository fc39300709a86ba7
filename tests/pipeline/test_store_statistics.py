from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray
import zarr

from pipeline.histograms import S2_EDGES
from pipeline.pack import StoreSettings
from pipeline.schema.bands import S2_BANDS
from pipeline.store_statistics import PERCENTS, store_statistics


def raw(packed: Any, name: str) -> np.ndarray:
    return np.stack([getattr(packed.patches[row.location_id], name) for row in packed.rows])


def test_xarray_opens_the_statistics_beside_the_store(packed: Any) -> None:
    figures = xarray.open_zarr(packed.store, group="statistics", consolidated=False)
    s2, s1 = (raw(packed, name).astype(np.float64) for name in ("s2", "s1"))
    assert figures.s2_mean.dims == ("season", "s2_band")
    assert figures.s2_mean.attrs == {"units": "reflectance x 10000", "bands": list(S2_BANDS)}
    for sensor, values in (("s2", s2), ("s1", s1)):
        over = (0, 3, 4)
        assert (figures[f"{sensor}_pixels"] == 5 * 24 * 24).all()
        assert np.allclose(figures[f"{sensor}_mean"], values.mean(axis=over), rtol=1e-5)
        assert np.allclose(figures[f"{sensor}_std"], values.std(axis=over), rtol=1e-5)
        assert np.array_equal(figures[f"{sensor}_lowest"], values.min(axis=over))
        assert np.array_equal(figures[f"{sensor}_highest"], values.max(axis=over))
        found = figures[f"{sensor}_percentiles"]
        assert found.dims == ("season", f"{sensor}_band", "percent")
        expected = np.moveaxis(np.percentile(values, PERCENTS, axis=over), 0, -1)
        # A bin is 192 digital numbers wide above 4,096 and 0.1 dB; 2,880 random values leave gaps of that order.
        assert np.abs(found - expected).max() < (200 if sensor == "s2" else 1.5)
    assert np.array_equal(figures.s2_bin_edges, S2_EDGES)
    assert (figures.s2_histogram.sum("s2_bin") == figures.s2_pixels).all()


def test_labels_are_counted_by_season_and_where_seasons_meet(packed: Any) -> None:
    figures = xarray.open_zarr(packed.store, group="statistics", consolidated=False)
    labels = raw(packed, "dw").astype(int)
    labels[labels == 255] = 9
    for season in range(4):
        assert (
            figures.label_count[season].values.tolist() == np.bincount(labels[:, season].ravel(), minlength=10).tolist()
        )
        for other in range(4):
            expected = np.zeros((10, 10), int)
            np.add.at(expected, (labels[:, season].ravel(), labels[:, other].ravel()), 1)
            assert np.array_equal(figures.label_pair_count[season, other], expected)
    assert figures.label_count.attrs["labels"][0] == "water"
    assert "dw_prob_mean" not in figures


def test_the_root_opens_as_before_and_holds_the_layouts_arrays_only(packed: Any) -> None:
    data = xarray.open_zarr(packed.store, consolidated=False, mask_and_scale=False)
    assert set(data.data_vars) == {"s2", "s1", "dw"}
    assert data.s2.dims == ("location", "season", "s2_band", "y", "x")
    assert set(zarr.open_group(packed.store, mode="r").array_keys()) == {"s2", "s1", "dw"}


def test_shards_of_any_size_in_any_order_make_the_same_bytes(
    packed: Any, make_packed: Any, tmp_path: Path, tree_bytes: Any
) -> None:
    other = make_packed(tmp_path / "other", settings=StoreSettings(shard_rows=3))
    assert tree_bytes(other.store / "statistics") == tree_bytes(packed.store / "statistics")
    backwards = store_statistics(packed.shards[::-1])
    assert np.array_equal(backwards.s1.mean, store_statistics(packed.shards).s1.mean)
    assert backwards.s2.overall == store_statistics(packed.shards).s2.overall


def test_xarray_scales_probabilities_to_shares(make_packed: Any, tmp_path: Path) -> None:
    packed = make_packed(tmp_path, probabilities=True)
    data = xarray.open_zarr(packed.store, consolidated=False)
    prob = raw(packed, "dw_prob")
    assert np.allclose(data.dw_prob, prob / 255)
    mean = xarray.open_zarr(packed.store, group="statistics", consolidated=False).dw_prob_mean
    assert mean.dims == ("season", "dw_class")
    labelled = (raw(packed, "dw")[:, 2] != 255).sum()
    assert float(mean[2, 4]) == pytest.approx(prob[:, 2, 4].sum() / 255 / labelled)
