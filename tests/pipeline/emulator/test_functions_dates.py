from typing import Any

import pytest

MS_DAY = 86_400_000


def text(date: Any) -> str:
    return str(date.format().getInfo())


@pytest.mark.parametrize(
    ("given", "want"),
    [
        ("2020-02-03", "2020-02-03T00:00:00"),
        ("2020-2-3", "2020-02-03T00:00:00"),
        ("2020-034", "2020-02-03T00:00:00"),
        ("2020-02", "2020-02-01T00:00:00"),
        ("2020", "2020-01-01T00:00:00"),
        ("2020-02-03T04:05", "2020-02-03T04:05:00"),
        ("2020-02-03T04:05:06Z", "2020-02-03T04:05:06"),
        (MS_DAY, "1970-01-02T00:00:00"),
    ],
)
def test_dates_from_text_and_numbers(ee: Any, given: Any, want: str) -> None:
    assert text(ee.Date(ee.List([given]).get(0))) == want


@pytest.mark.parametrize(
    ("delta", "unit", "want"),
    [
        (1, "month", "2020-02-29T12:00:00"),
        (-1, "months", "2019-12-31T12:00:00"),
        (13, "month", "2021-02-28T12:00:00"),
        (-4, "year", "2016-01-31T12:00:00"),
        (1.5, "day", "2020-02-02T00:00:00"),
        (-2, "week", "2020-01-17T12:00:00"),
        (90, "second", "2020-01-31T12:01:30"),
    ],
)
def test_advance_follows_the_calendar(ee: Any, delta: float, unit: str, want: str) -> None:
    assert text(ee.Date("2020-01-31T12:00").advance(delta, unit)) == want


def test_differences_and_ratios(ee: Any) -> None:
    assert ee.Date("2020-03-01").difference(ee.Date("2020-02-01"), "day").getInfo() == 29
    assert ee.Date("2021-01-01").difference("2020-01-01", "year").getInfo() == pytest.approx(366 / 365.25)
    assert ee.Date.unitRatio("day", "minute").getInfo() == 1440


def test_fields(ee: Any) -> None:
    date = ee.Date("2020-02-03T04:05:06")
    units = ("year", "month", "day", "hour", "minute", "second", "week")
    assert [date.get(unit).getInfo() for unit in units] == [2020, 2, 3, 4, 5, 6, 6]
    assert date.getRelative("day", "year").getInfo() == 33
    assert date.getRelative("month", "year").getInfo() == 1
    assert ee.Date("2020-01-01T06:00").getFraction("day").getInfo() == 0.25
    assert date.millis().getInfo() == 1580702706000
    assert date.getInfo() == {"type": "Date", "value": 1580702706000}
    assert text(date.update(year=2021, hour=0)) == "2021-02-03T00:05:06"
    assert text(ee.Date.fromYMD(2019, 12, 31)) == "2019-12-31T00:00:00"


def test_patterns(ee: Any) -> None:
    date = ee.Date("2020-02-03T04:05:06")
    assert date.format("yyyy-MM-dd'T'HHmmss.SSS").getInfo() == "2020-02-03T040506.000"
    assert date.format("YYYY/DDD").getInfo() == "2020/034"
    assert text(ee.Date.parse("dd.MM.yyyy HH:mm", "03.02.2020 04:05")) == "2020-02-03T04:05:00"
    with pytest.raises(ee.EEException, match="'QQ' in the pattern"):
        date.format("QQ").getInfo()


def test_ranges(ee: Any) -> None:
    year = ee.Date("2020-06-01").getRange("year")
    assert (text(year.start()), text(year.end())) == ("2020-01-01T00:00:00", "2021-01-01T00:00:00")
    assert year.contains("2020-12-31").getInfo() is True
    assert year.contains(ee.Date("2021-01-01")).getInfo() is False
    late = ee.DateRange("2020-12-01", "2022-01-01")
    assert text(year.intersection(late).start()) == "2020-12-01T00:00:00"
    assert text(year.union(late).end()) == "2022-01-01T00:00:00"
    assert year.intersects(ee.DateRange("2021-01-01", "2021-02-01")).getInfo() is False
    assert ee.DateRange("2021-01-01", "2020-01-01").isEmpty().getInfo() is True
    assert ee.DateRange.unbounded().isUnbounded().getInfo() is True
    assert ee.DateRange(0).getInfo() == {"type": "DateRange", "dates": [0, 1]}


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        (lambda ee: ee.Date("soon"), "'soon' is not a date"),
        (lambda ee: ee.Date(ee.List([None]).get(0)), "may not be null"),
        (lambda ee: ee.Date("2020-01-01").advance(1, "fortnight"), "'fortnight' is unknown"),
        (lambda ee: ee.Date("2020-01-01", "Europe/Paris"), "Europe/Paris"),
        (lambda ee: ee.Date.fromYMD(2021, 2, 30), "day is out of range"),
        (lambda ee: ee.Date("2020-01-01").advance(1e5, "year"), "lies outside"),
    ],
)
def test_what_is_no_date_is_refused(ee: Any, expression: Any, word: str) -> None:
    with pytest.raises(ee.EEException, match=word):
        expression(ee).getInfo()
