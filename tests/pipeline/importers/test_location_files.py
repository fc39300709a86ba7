from collections.abc import Iterator
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.importers.imported import Problem
from pipeline.importers.location_files import HELD, LocationFiles, Waiting, location_files, paired


def files_of(number: int, sensor: str) -> LocationFiles:
    data = f"{number} {sensor}".encode()
    return LocationFiles(str(number), sensor, "here", {"a": {"VV.tif": data}, "b": {"VV.tif": data * 2}})  # type: ignore[arg-type]


def test_what_waits_comes_back_as_it_was_from_memory_or_disk(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path / "spool", held=2)
    for number in range(5):
        waiting.put(files_of(number, "s2"))
    assert len(list((tmp_path / "spool").iterdir())) == 3
    assert [waiting.take(str(number)) for number in (4, 0, 3)] == [files_of(number, "s2") for number in (4, 0, 3)]
    assert waiting.take("0") is None
    assert waiting.left() == {"1": "here", "2": "here"}
    assert [path.name for path in (tmp_path / "spool").iterdir()] == ["2.zip"]


@settings(deadline=None, max_examples=20)
@given(st.permutations(range(40)), st.permutations(range(2, 44)))
def test_sensors_meet_in_any_order_once(tmp_path_factory: object, optical: list[int], radar: list[int]) -> None:
    spool = tmp_path_factory.mktemp("spool")  # type: ignore[attr-defined]

    def stream(numbers: list[int], sensor: str) -> Iterator[LocationFiles | Problem]:
        return (files_of(number, sensor) for number in numbers)

    found = list(paired([stream(optical, "s2"), stream(radar, "s1")], spool))
    met = [pair for pair in found if not isinstance(pair, Problem)]
    assert sorted(int(s2.location_id) for s2, _ in met) == list(range(2, 40))
    assert all((s2, s1) == (files_of(int(s2.location_id), "s2"), files_of(int(s2.location_id), "s1")) for s2, s1 in met)
    alone = {(p.location_id, p.reason) for p in found if isinstance(p, Problem)}
    assert alone == {("0", "no S1 images"), ("1", "no S1 images"), *((str(n), "no S2 images") for n in range(40, 44))}
    assert HELD < 38
    assert [p for p in spool.rglob("*.zip") if p.stem not in {n for n, _ in alone}] == []


def test_other_files_and_surface_reflectance_are_passed_over(tmp_path: Path) -> None:
    for name in (
        "s2c/7/a/B1.tif",
        "s2a/7/a/B1.tif",
        "s2c/7/a/B13.tif",
        "s2c/7/a/readme.txt",
        "x/s2c/8/a/metadata.json",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    found = [one for one in location_files(tmp_path) if isinstance(one, LocationFiles)]
    assert [(one.location_id, one.sensor, one.products) for one in found] == [
        ("7", "s2", {"a": {"B1.tif": b"1"}}),
        ("8", "s2", {"a": {"metadata.json": b"1"}}),
    ]
