from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.sampling.csv_list import read_csv
from pipeline.schema.errors import UsageError


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "list.csv"
    path.write_text(text)
    return path


def test_ids_stay_text_and_places_are_lon_lat(tmp_path: Path) -> None:
    rows = read_csv(write(tmp_path, "\ufeffID, Longitude ,latitude\n0000186,15.9,45.2\n\n7,-3.5,10\n"))
    assert [(r.location_id, r.shape.x, r.shape.y) for r in rows] == [("0000186", 15.9, 45.2), ("7", -3.5, 10.0)]
    assert rows[1].where.endswith("list.csv line 4")
    assert rows[0].dates == ()


def test_without_ids_the_rows_are_numbered(tmp_path: Path) -> None:
    rows = read_csv(write(tmp_path, "lat,lon\n48,2\n49,3\n"))
    assert [(r.location_id, r.shape.x) for r in rows] == [("0000000", 2.0), ("0000001", 3.0)]


def test_without_a_header_it_is_the_published_index_lon_lat(tmp_path: Path) -> None:
    rows = read_csv(write(tmp_path, "12,15.9,45.2\n13,-3.5,10\n"))
    assert [(r.location_id, r.shape.x, r.shape.y) for r in rows] == [("0000012", 15.9, 45.2), ("0000013", -3.5, 10.0)]


def test_four_dates_in_utc(tmp_path: Path) -> None:
    header = "lon,lat,time_0,time_1,time_2,time_3"
    (row,) = read_csv(
        write(tmp_path, f"{header}\n2,48,2021-12-21,2021-09-22T10:30,2021-06-21T12:00+02:00,2021-03-20T00:00Z\n")
    )
    assert row.dates == (
        datetime(2021, 12, 21, tzinfo=UTC),
        datetime(2021, 9, 22, 10, 30, tzinfo=UTC),
        datetime(2021, 6, 21, 10, tzinfo=UTC),
        datetime(2021, 3, 20, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("id,x,y\n", "lacks the columns lon and lat; it has id, x, y"),
        ("lon,lat,time_0\n", "time_0; it needs all of time_0, time_1"),
        ("lon,lat\n1,2,3\n", "line 2 has 3 fields, the header has 2"),
        ("lon,lat\n1,2\neast,2\n", "line 3 has lon 'east'"),
        ("1,2,3\nx,2,3\n", "line 2 is not index, longitude, latitude"),
        ("lon,lat,time_0,time_1,time_2,time_3\n1,2,2021-01-01,soon,,\n", "line 2 has time_1 'soon'"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_csv(write(tmp_path, text))


def test_a_file_that_is_no_text_is_said(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"lon,lat\n\xff\xfe\x00")
    with pytest.raises(UsageError, match="no text in UTF-8"):
        read_csv(tmp_path / "list.csv")
    with pytest.raises(UsageError, match=r"cannot read .*absent"):
        read_csv(tmp_path / "absent.csv")
