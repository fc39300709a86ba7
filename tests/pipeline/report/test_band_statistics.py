from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import zarr

from pipeline.report.band_histograms import store_histograms
from pipeline.report.band_statistics import sensor_tables
from pipeline.report.gather import gather
from pipeline.scaling import PUBLISHED
from pipeline.schema.bands import S2_BANDS
from pipeline.schema.errors import NoldoError


def raw_band(fake: Any, band: str) -> np.ndarray:
    """Digital numbers of a band over all rows, (seasons, pixels), from what is stored."""
    at = S2_BANDS.index(band)
    low, span = PUBLISHED.s2.low_and_span()
    scaled = zarr.open_array(fake.layout.store("nol"), path="s2", mode="r")[:, :, at]
    return np.clip(np.rint(low[at] + np.moveaxis(scaled, 0, 1) / 255.0 * span[at]), 1, 65535).reshape(4, -1)


def test_the_figures_are_those_of_the_pixels(make_run: Callable[..., Any]) -> None:
    fake = make_run(stored=3)
    histograms = store_histograms(fake.layout.store("nol"))
    s2, s1 = sensor_tables(gather(fake.layout).statistics, "", histograms)
    assert (s2.sensor, s1.sensor, s1.unit) == ("s2", "s1", "dB")
    row = {row.band: row for row in s2.rows}["B4"]
    raw = raw_band(fake, "B4")
    assert (row.pixels, row.overall.mean) == (raw.size, pytest.approx(raw.mean()))
    assert row.overall.std == pytest.approx(raw.std(), rel=1e-4)
    assert row.overall.percentiles == pytest.approx(np.percentile(raw, (1, 50, 99)), rel=0.03, abs=1.0)
    assert [season.mean for season in row.seasons] == pytest.approx(raw.mean(axis=1))
    assert row.kept_range is not None
    assert row.cut_off == pytest.approx(((raw < row.kept_range[0]) | (raw > row.kept_range[1])).mean(), abs=0.01)


def test_a_narrow_range_cuts_off_what_lies_outside(make_run: Callable[..., Any]) -> None:
    fake = make_run(stored=3)
    statistics = dict(gather(fake.layout).statistics)
    statistics["scaling"] = {"clip_std": 0.5}
    s2, _ = sensor_tables(statistics, "", store_histograms(fake.layout.store("nol")))
    row = s2.rows[S2_BANDS.index("B8")]
    raw = raw_band(fake, "B8")
    mean, std = PUBLISHED.s2.mean[7], PUBLISHED.s2.std[7]
    outside = (np.abs(raw - mean) > 0.5 * std).mean()
    assert 0.05 < outside < 1
    assert row.cut_off == pytest.approx(outside, abs=0.03)


def test_raw_stores_have_no_range_and_broken_figures_are_an_expected_failure(make_run: Callable[..., Any]) -> None:
    statistics = dict(gather(make_run(stored=2).layout).statistics)
    tiles = {"s1": [{key: band[key] for key in ("band", "unit", "pixels", "mean", "std")} for band in statistics["s1"]]}
    (table,) = sensor_tables(tiles, "dw_train", {})
    assert (table.store, table.rows[0].kept_range, table.rows[0].cut_off, table.rows[0].seasons) == (
        "dw_train", None, None, (),
    )  # fmt: skip
    assert table.rows[0].overall.percentiles == (None, None, None)
    with pytest.raises(NoldoError, match="cannot be read"):
        sensor_tables({"s2": [{"band": "B1"}]}, "", {})
    assert sensor_tables({}, "", {}) == ()
