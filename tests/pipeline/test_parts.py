import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.parts import arrow_schema, part_inputs, read_part, write_part
from pipeline.schema.errors import DamagedError, FailureKind, NoldoError
from pipeline.schema.grid import patch_grid
from pipeline.schema.records import BandSum, ExportRecord, Location, SeasonMatch, ShardRecord

TIME = datetime(2020, 1, 6, 10, 4, 1, 123456, tzinfo=UTC)

MATCH = SeasonMatch("a", 0, "S2/x", TIME, 1.5, "04.00", "33TWL", None, None, None, None, "DW/x")


def test_records_come_back_equal(tmp_path: Path) -> None:
    locations = [
        Location("a", 10.0, 50.0, patch_grid(10.0, 50.0), (TIME,) * 4),
        Location("b", -70.5, -33.0, patch_grid(-70.5, -33.0)),
    ]
    exports = [ExportRecord("a", 0, None, ""), ExportRecord("b", -1, FailureKind.EMPTY, "nothing here")]
    sums = ((BandSum(2, 3.5, 4.5, 1.5, 2.0), BandSum(0, 0.0, 0.0)),)
    shard = ShardRecord(0, 0, ("x",), ("y",), ("z",), ((1, 2), (3, 4)), ((5,),), sums, (), b"\x00\xff", b"")
    for number, rows in enumerate((locations, exports, [MATCH], [shard])):
        write_part(tmp_path / f"{number}.parquet", type(rows[0]), rows, "digest")
        assert read_part(tmp_path / f"{number}.parquet", type(rows[0])) == rows


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(
        st.builds(
            ExportRecord,
            location_id=st.text(max_size=8),
            tile_row=st.integers(-(2**63), 2**63 - 1),
            failure_kind=st.none() | st.sampled_from(FailureKind),
            failure_message=st.text(max_size=8),
        ),
        max_size=4,
    )
)
def test_any_records_come_back_equal(rows: list[ExportRecord], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("parts") / "part.parquet"
    write_part(path, ExportRecord, rows, "digest")
    assert read_part(path, ExportRecord) == rows


def test_times_come_back_as_the_same_moment_in_utc(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Moment:
        time: datetime

    written = datetime(2020, 1, 6, 12, 4, 1, tzinfo=timezone(timedelta(hours=2)))
    write_part(tmp_path / "part.parquet", Moment, [Moment(written)], "digest")
    (read,) = read_part(tmp_path / "part.parquet", Moment)
    assert read.time == written
    assert read.time.utcoffset() == timedelta(0)


def test_a_part_keeps_its_inputs_digest(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    assert part_inputs(path) is None
    write_part(path, SeasonMatch, [], "abc")
    assert part_inputs(path) == "abc"
    assert read_part(path, SeasonMatch) == []
    path.write_bytes(b"no parquet")
    assert part_inputs(path) is None


def test_any_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    shard = ShardRecord(0, 0, ("x",), ("y",), ("z",), ((1, 2),), ((5,),), (), (), bytes(range(256)), bytes(99))
    write_part(path, ShardRecord, [shard], "abc")
    whole, refused = path.read_bytes(), 0
    for at in random.Random(0).sample(range(len(whole)), 120):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
        try:
            assert read_part(path, ShardRecord) == [shard], f"byte {at} of {len(whole)}"
        except DamagedError:
            refused += 1
        assert part_inputs(path) != "", "it is read, or there is none"
    assert refused > 60


def test_a_failed_write_leaves_the_part_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "part.parquet"
    write_part(path, SeasonMatch, [MATCH], "first")

    write_whole = Path.write_bytes

    def half(self: Path, data: bytes) -> int:
        write_whole(self, data[: len(data) // 2])
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match="no space"):
        write_part(path, SeasonMatch, [], "second")
    assert part_inputs(path) == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["part.parquet"]


@pytest.mark.parametrize("damage", ["missing", "truncated", "another record"])
def test_a_part_that_cannot_be_read_is_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "part.parquet"
    write_part(path, SeasonMatch, [MATCH], "digest")
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:-20])
    record = ExportRecord if damage == "another record" else SeasonMatch
    with pytest.raises(NoldoError, match=r"part\.parquet cannot be read .*run the build again") as caught:
        read_part(path, record)
    assert len(str(caught.value).splitlines()) == 1


def test_a_record_of_an_unknown_type_is_refused() -> None:
    @dataclass(frozen=True)
    class Odd:
        value: complex

    with pytest.raises(TypeError, match="no Arrow type"):
        arrow_schema(Odd)
