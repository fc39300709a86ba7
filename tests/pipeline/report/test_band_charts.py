from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.histograms import S1_EDGES, S2_EDGES, s1_histogram, s2_histogram, to_bytes
from pipeline.report.band_charts import drawn_histograms
from pipeline.report.band_histograms import SensorHistogram, share_below, store_histograms, tile_histograms
from pipeline.schema.errors import NoldoError
from pipeline.schema.layout import RunLayout


def test_the_share_below_is_read_between_the_edges_of_a_bin() -> None:
    counts, edges = np.array([10, 0, 30]), np.array([0.0, 1.0, 2.0, 4.0])
    values = np.array([-1.0, 0.5, 1.5, 3.0, 9.0])
    assert share_below(counts, edges, values).tolist() == [0.0, 0.125, 0.25, 0.625, 1.0]
    assert share_below(np.zeros(3, np.int64), edges, values).tolist() == [0.0] * 5


def test_a_chart_has_a_line_a_season_that_peaks_where_the_pixels_are() -> None:
    rng = np.random.default_rng(3)
    dark, bright = (rng.normal(mean, 100, 20_000).astype(np.uint16) for mean in (1000, 3000))
    counts = np.stack([s2_histogram(dark), s2_histogram(bright)])[:, None]
    (chart,) = drawn_histograms({"s2": SensorHistogram(("B4",), counts, S2_EDGES)}, ())["s2"]
    lines = [path for path in ET.fromstring(chart).iter("path") if "season" in (path.get("class") or "")]  # noqa: S314
    assert [line.get("class") for line in lines] == ["season-0", "season-1"]
    peaks = []
    for line in lines:
        points = [tuple(map(float, point.split())) for point in str(line.get("d"))[1:].split("L")]
        peaks.append(min(points, key=lambda point: point[1])[0])
    left, right = 8, 222
    low, high = np.percentile(np.concatenate([dark, bright]), (1, 99))
    expected = [left + (right - left) * (mean - low) / (high - low) for mean in (1000, 3000)]
    assert peaks == pytest.approx(expected, abs=10)


def test_an_empty_band_is_drawn_flat() -> None:
    empty = SensorHistogram(("VV",), np.zeros((4, 1, 1024), np.int64), S1_EDGES)
    (chart,) = drawn_histograms({"s1": empty}, ())["s1"]
    assert "nan" not in chart


def test_histograms_come_from_the_store_or_from_the_shards_of_tiles(
    make_run: Callable[..., Any], tmp_path: Path
) -> None:
    fake = make_run(stored=2)
    found = store_histograms(fake.layout.store("nol"))
    assert {name: histogram.counts.shape for name, histogram in found.items()} == {
        "s2": (4, 13, 1024), "s1": (4, 2, 1024),
    }  # fmt: skip
    assert found["s2"].counts.sum() == fake.label.size * 13
    assert store_histograms(tmp_path) == {}
    run = RunLayout(tmp_path / "tiles")
    folder = run.root / "tables" / "pack_train"
    folder.mkdir(parents=True)
    one = {
        "s2_histogram": to_bytes(np.stack([s2_histogram(np.full(10, band, np.uint16)) for band in range(13)])),
        "s1_histogram": to_bytes(np.stack([s1_histogram(np.full(10, -9.0, np.float32))] * 2)),
    }
    for part in range(2):
        pq.write_table(pa.Table.from_pylist([one]), folder / f"part-{part:05d}.parquet")
    tiles = tile_histograms(run)
    assert tiles["s2"].counts[0, 7, 7] == 20
    pq.write_table(pa.Table.from_pylist([{"shard": 1}]), folder / "part-00002.parquet")
    assert tile_histograms(run) == {}
    (folder / "part-00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(NoldoError, match="cannot be read"):
        tile_histograms(run)
