"""What a recipe may say about a map service."""

from typing import Any

import pytest

from pipeline.schema.errors import UsageError
from pipeline.schema.strict import validated
from pipeline.sources.wms_settings import WmsSettings


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("format", "image/jpeg", "other colours than the legend"),
        ("format", "image/png8", "other colours than the legend"),
        ("url", "ftp://example.org/wms", "no address of a map service"),
        ("url", "https://me:secret@example.org/wms", "no address of a map service"),
        ("classes", {"Salt pans": 14}, "'Salt pans' is given class 14"),
        ("classes", {"#12345": 3}, "no colour"),
        ("crs", "EPSG:32632", "EPSG:3857"),
    ],
)
def test_what_cannot_work_is_refused_in_a_plain_line(key: str, value: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said) as told:
        validated(WmsSettings, {key: value}, "osm.yaml")
    assert "\n" not in str(told.value)


def test_how_fast_a_service_is_asked_does_not_decide_the_labels() -> None:
    usual = WmsSettings(url="https://example.org/wms")
    slow = usual.model_copy(update={"per_second": 0.1, "attempts": 1, "timeout_s": 5.0, "max_px": 512})
    assert slow.identity() == usual.identity()
    for other in ({"layer": "x"}, {"crs": "EPSG:4326"}, {"oversampling": 3}, {"colour_distance": 5.0}):
        assert usual.model_copy(update=other).identity() != usual.identity()
