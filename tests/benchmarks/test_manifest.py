from pathlib import Path

import geopandas as gpd
import pyarrow.parquet as pq
import pytest

from benchmarks.manifest import ManifestRun, bench_manifest, figures, sampled, write_measured
from benchmarks.manifest_tables import make_run
from pipeline.manifest.digest_table import read_digests


def test_made_up_tables_make_a_manifest(tmp_path: Path) -> None:
    make_run(tmp_path, kept=30, sampled=70)
    run = write_measured(tmp_path, 30)
    assert (run.locations, run.rows) == (30, 120)
    assert run.seconds > 0
    assert run.peak_bytes > 10**7
    index = gpd.read_parquet(tmp_path / "manifest" / "index.parquet")
    assert len(index) == 120
    assert index["location_id"].nunique() == 30
    assert pq.read_metadata(tmp_path / "manifest" / "dropped.parquet").num_rows == 40
    assert [len(one.digest) for one in read_digests(tmp_path / "manifest" / "digests.parquet").arrays] == [30] * 3


def test_a_build_begins_with_as_many_places_as_there_are_at_most() -> None:
    assert sampled(100_000) == 241_904
    assert sampled(200_000) == 251_079
    assert sampled(300_000) == 300_000
    with pytest.raises(ValueError, match="at least one size"):
        bench_manifest([])


def test_goals_are_those_of_four_hundred_thousand_rows() -> None:
    small, large = (ManifestRun(n, 200.0, 100.0, 10**9, 10**6) for n in (100_000, 251_079))
    found = {figure.name: figure.met for figure in figures([small, large])}
    assert found["400000 rows, time"] is False
    assert found["400000 rows, peak memory"] is True
    assert found["1004316 rows, time"] is None
