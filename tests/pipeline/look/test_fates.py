from pathlib import Path
from typing import Any

import pytest

from pipeline.look import placed_fates
from pipeline.report.gather import gather
from pipeline.schema.layout import RunLayout


@pytest.fixture(scope="module")
def places(small_run: tuple[Path, Any]) -> Any:
    return placed_fates(gather(RunLayout(small_run[0])))


def test_every_sampled_location_is_there_once_where_it_was_sampled(places: Any, small_run: tuple[Path, Any]) -> None:
    sampled = gather(RunLayout(small_run[0])).locations
    assert list(places.location_id) == [place.location_id for place in sampled]
    assert list(places.geometry.x) == [place.lon_deg for place in sampled]
    assert list(places.geometry.y) == [place.lat_deg for place in sampled]
    assert places.crs == "OGC:CRS84"


def test_fates_add_up_to_the_funnel(places: Any, small_run: tuple[Path, Any]) -> None:
    told = {step["stage"]: step for step in small_run[1].json["funnel"]}
    dropped = {reason: count for step in told.values() for reason, count in step["reasons"]}
    assert places.fate.value_counts().to_dict() == {"kept": told["quality"]["kept"], **dropped}


def test_who_was_dropped_has_a_detail_and_pixels_have_a_share(places: Any) -> None:
    assert (places.detail != "").equals(places.fate != "kept")
    assert places.dw_valid_share[places.fate == "kept"].between(0.6, 1).all()
    assert places.dw_valid_share[places.fate.isin(["no DW label", "no S2 scene"])].isna().all()
