from typing import Any

import pytest


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("add", 9), ("subtract", 5), ("multiply", 14), ("divide", 3.5), ("mod", 1), ("pow", 49), ("min", 2),
        ("max", 7), ("eq", 0), ("neq", 1), ("lt", 0), ("lte", 0), ("gt", 1), ("gte", 1), ("And", 1), ("Or", 1),
    ],
)  # fmt: skip
def test_operators(ee: Any, name: str, want: float) -> None:
    assert getattr(ee.Number(7), name)(2).getInfo() == want


def test_dividing_by_zero_gives_zero(ee: Any) -> None:
    assert ee.Number(7).divide(0).getInfo() == 0


def test_rounding_and_casts(ee: Any) -> None:
    n = ee.Number(-2.5)
    assert [n.abs().getInfo(), n.ceil().getInfo(), n.floor().getInfo(), n.round().getInfo()] == [2.5, -2, -3, -2]
    assert (n.toInt().getInfo(), n.toUint8().getInfo(), ee.Number(300.7).byte().getInfo()) == (-2, 0, 255)
    assert ee.Number(5).clamp(1, 3).getInfo() == 3
    assert ee.Number(2).sqrt().pow(2).getInfo() == pytest.approx(2)


def test_text(ee: Any) -> None:
    assert ee.Number(3.14159).format("%.2f").getInfo() == "3.14"
    assert ee.Number(7).format("%03d").getInfo() == "007"
    assert ee.Number.parse("12").getInfo() == 12
    assert ee.Number.parse("ff", 16).getInfo() == 255
    with pytest.raises(ee.EEException, match="Cannot parse 'x'"):
        ee.Number.parse("x").getInfo()
    with pytest.raises(ee.EEException, match=r"Number\.sqrt: math domain error"):
        ee.Number(-1).sqrt().getInfo()


def test_odds_and_ends(ee: Any) -> None:
    assert ee.Algorithms.ObjectType(ee.Date(0)).getInfo() == "Date"
    assert ee.Algorithms.ObjectType(ee.Feature(None)).getInfo() == "Feature"
    assert ee.Algorithms.If(0, "yes", "no").getInfo() == "no"
    assert ee.Algorithms.IsEqual([1], [1]).getInfo() is True
