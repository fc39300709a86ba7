"""Values are held against what their array says of itself."""

from typing import Any

import numpy as np
import pytest

from pipeline.manifest.verify.values import row_check
from pipeline.scaling import PUBLISHED
from pipeline.schema.bands import S1_NODATA
from pipeline.store_arrays import array_plans
from pipeline.tile_arrays import tile_array_plans

PLANS = {plan.name: plan for plan in array_plans(8, PUBLISHED, probabilities=True)}
TILE_PLANS = {plan.name: plan for plan in tile_array_plans(8, ("dw", "osm", "dfc"))}


def checked(name: str, row: Any, *, tiles: bool = False) -> str | None:
    plan: Any = (TILE_PLANS if tiles else PLANS)[name]
    check = row_check(plan.attributes, plan.dimensions, np.dtype(getattr(plan, "dtype", "uint8")))
    return None if check is None else check(row)


@pytest.mark.parametrize(
    ("name", "tiles", "good", "bad"),
    [
        ("dw", False, [0, 8, 255], [9, 100, 254]),
        ("dw", True, [0, 8, 255], [9]),
        ("osm", True, [1, 13, 255], [0, 14, 254]),
        ("dfc", True, [0, 7, 255], [8]),
        ("ignore", True, [0, 1], [2, 255]),
    ],
)
def test_labels_are_classes_or_none(name: str, tiles: bool, good: list[int], bad: list[int]) -> None:
    row = np.resize(np.array(good, np.uint8), (8, 8))
    assert checked(name, row, tiles=tiles) is None
    for value in bad:
        row[3, 4] = value
        told = checked(name, row, tiles=tiles)
        assert told is not None
        assert told.startswith(f"1 values that are no class ({value})")


def test_classes_that_are_not_side_by_side() -> None:
    check = row_check({"flag_values": [-1, 2, 9], "_FillValue": 4}, ("y",), np.dtype("int16"))
    assert check is not None
    assert check(np.array([-1, 2, 9, 4], np.int16)) is None
    assert "2 values that are no class (-2, 3)" in str(check(np.array([-1, 3, -2], np.int16)))


def test_probabilities_add_up_but_for_roundings_and_a_pixel_in_a_hundred() -> None:
    row = np.zeros((4, 9, 8, 8), np.uint8)
    row[:, :3] = 85
    row[:, 3] = 4
    row[0, :, 0, 0] = 0
    assert checked("dw_prob", row) is None
    row[0, 0, 1, 1] = 0
    assert checked("dw_prob", row) is None
    row[0, 0, 2] = 0
    assert checked("dw_prob", row) == "probabilities of 9 pixels add up to neither 255 nor 0"


def test_backscatter_is_in_range_or_not_observed() -> None:
    row = np.full((2, 8, 8), -14.0, np.float32)
    row[0, 0, 0] = S1_NODATA
    assert checked("s1", row, tiles=True) is None
    for wrong in (np.nan, np.inf, -np.inf, 3000.0, -9998.0):
        row[1, 2, 3] = wrong
        assert f"1 values such as {np.float32(wrong)}" in str(checked("s1", row, tiles=True))


def test_other_numbers_are_finite_and_images_anything() -> None:
    assert (
        checked("geotransform", np.array([10.0, 0, 5e5, 0, -10, np.nan]), tiles=True) == "1 values that are not finite"
    )
    assert checked("s2", np.full((13, 8, 8), 65535, np.uint16), tiles=True) is None
    assert checked("s2", np.full((4, 13, 8, 8), 255, np.uint8)) is None


@pytest.mark.parametrize(
    "attributes", [{"flag_values": []}, {"flag_values": "0 1"}, {"flag_values": [1], "_FillValue": "x"}]
)
def test_attributes_that_make_no_sense(attributes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"flag_values|_FillValue"):
        row_check(attributes, ("y",), np.dtype("uint8"))
