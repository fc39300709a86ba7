import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.report.gather import gather
from pipeline.report.measures import measures
from pipeline.schema.records import SensorShift


def test_percentiles_are_over_every_location_and_season(made_once: Callable[..., Any]) -> None:
    quality = gather(made_once(stored=4).layout).quality
    found = {measure.name: measure for measure in measures(quality, {})}
    labels = found["Pixels with a label"]
    assert (labels.unit, labels.values) == ("%", 20)
    assert labels.percentiles[0] == pytest.approx(10.0)
    assert labels.percentiles[2:] == pytest.approx((90.0, 90.0, 90.0))
    assert found["Sentinel-1 from Sentinel-2, where sure"].percentiles == pytest.approx((5.0,) * 5)
    assert found["Level of the darkest Sentinel-2 band"].percentiles[2] == 20.0


def test_unsure_shifts_and_what_nobody_measured_are_left_out(made_once: Callable[..., Any]) -> None:
    quality = gather(made_once(stored=4).layout).quality
    unsure = (SensorShift(100.0, 0.0, 9.9),) * 4
    quality = tuple(dataclasses.replace(q, s1_shift=unsure, s2_dark_level=()) for q in quality)
    found = measures(quality, {"quality": {}})
    assert [measure.name for measure in found] == [
        "Pixels with a label",
        "Pixels that Sentinel-2 observed",
        "Pixels that Sentinel-1 observed",
        "Pixels in Sentinel-1 border noise",
    ]
    assert measures([], {}) == ()
    trusting = measures(quality, {"quality": {"s1_shift_min_confidence": 9}})
    assert trusting[-1].percentiles == pytest.approx((100.0,) * 5)
