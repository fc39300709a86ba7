"""The planet beside real pixels."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.emulator.check import COLUMNS, check_json, check_planet, format_check
from pipeline.emulator.check_figures import BANDS, Sample, separability, spreads
from pipeline.emulator.planet import Planet
from pipeline.schema.errors import UsageError

REAL = Path(os.environ.get("NOLDO_REAL", Path(__file__).resolve().parents[4] / "shared" / "real"))


def sample(gap: float) -> Sample:
    rng = np.random.default_rng(0)
    values = 1000 + 100 * rng.standard_normal((400, len(BANDS)))
    label = np.repeat([1, 7], 200)
    values[label == 7] += 100 * gap
    return Sample(values, label)


def test_separability_runs_from_chance_to_perfect() -> None:
    assert abs(separability(sample(0.0))[1, 7] - 0.5) < 0.12
    assert separability(sample(10.0))[1, 7] > 0.999


def test_spreads_are_robust_and_leave_out_rare_classes() -> None:
    known = sample(1.0)
    known.values[0] = 1e6
    figures = spreads(Sample(known.values, np.where(np.arange(400) < 5, 3, known.label)))
    assert (3, "B2") not in figures
    assert abs(figures[7, "B2"].median - 1100) < 20
    assert abs(figures[7, "B2"].spread - 100) < 20
    assert figures[7, "B2"].pixels == 200


def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        check_planet(Planet(0), tmp_path / "none.parquet")
    pd.DataFrame({"VV": [1.0]}).to_parquet(tmp_path / "short.parquet")
    with pytest.raises(UsageError, match="lacks the columns"):
        check_planet(Planet(0), tmp_path / "short.parquet")


def test_land_is_like_the_real_pixels(tmp_path: Path) -> None:
    path = REAL / "s1_s2_dw_pixels_west_us.parquet"
    if not path.exists():
        pytest.skip("needs the real pixels")
    table = pd.read_parquet(path, columns=list(COLUMNS))
    some = table[table.month.isin([7])]
    some.to_parquet(tmp_path / "some.parquet")
    result = check_planet(Planet(0), tmp_path / "some.parquet")
    # Classes whose real labels can be trusted; see benchmarks/derive_planet_statistics.py.
    for code in (1, 2, 5, 7):
        for band in ("B2", "B3", "B4", "B8", "B11"):
            real, drawn = result.real[code, band], result.true[code, band]
            assert abs(drawn.median - real.median) < 1.2 * real.spread, (code, band, real, drawn)
        assert abs(result.true[code, "VV"].median - result.real[code, "VV"].median) < 2.0
    assert 0.5 < result.agreement < 0.85
    text = format_check(result)
    assert "bare ground" in text
    assert json.loads(json.dumps(check_json(result)))["label_agreement"] == result.agreement
