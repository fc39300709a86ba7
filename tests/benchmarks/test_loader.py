from pathlib import Path

import pytest

from benchmarks.loader import ONE, TWO, WRITERS, LoaderLoad, Round, bench_loader, figures, paired, priority
from benchmarks.loader_readers import PEERS, READERS


def rounds(*speeds: float) -> list[Round]:
    return [Round(wall_s=10 / speed, cpu_s=20 / speed, locations=10) for speed in speeds]


def test_rounds_are_compared_with_those_beside_them() -> None:
    # The machine was three times slower in the second round, for both.
    assert paired(rounds(3000, 1000, 3000), rounds(1500, 500, 1500)) == pytest.approx(2.0)


def test_figures_hold_ours_against_every_goal() -> None:
    found = {
        f.name: f
        for f in figures(
            {
                ONE: rounds(2600, 2600, 2600),
                TWO: rounds(4000, 4000, 4000),
                "zarr-python": rounds(250, 250, 250),
                "WebDataset": rounds(300, 300, 300),
                "tensorstore vindex": rounds(2000, 2000, 2000),
                "bare decode": rounds(5000, 5000, 5000),
            }
        )
    }
    assert found[ONE].met
    assert found[f"{ONE} to zarr-python"].met
    assert found[f"{ONE} to zarr-python"].value == pytest.approx(10.4)
    assert found[f"{ONE} to WebDataset"].met is False
    assert found[f"{ONE} to bare decode"].met
    assert found[f"{ONE} to tensorstore vindex"].met is None
    assert found[f"{TWO} to 1 thread"].met is False
    assert found["zarr-python: locations a CPU second"].value == pytest.approx(125)


def test_every_library_has_its_files_and_its_readers() -> None:
    assert WRITERS.keys() == PEERS.keys()
    assert all(any(name.startswith(library) for name in READERS) for library in PEERS)


@pytest.mark.timeout(240)
def test_a_small_benchmark_runs_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.loader.missing_peers", lambda: list(PEERS))
    monkeypatch.setattr("benchmarks.loader.READERS", {name: READERS[name] for name in (ONE, TWO)})
    monkeypatch.setattr("benchmarks.loader.two_cores", lambda: (0, 0))
    told: list[str] = []
    result = bench_loader(LoaderLoad(locations=5, rounds=2, px=24), tmp_path, told.append)
    assert {f.name for f in result.figures} >= {ONE, TWO, f"{TWO} to 1 thread"}
    assert all(f.value > 0 for f in result.figures)
    assert result.settings["left out"] == "WebDataset, MosaicML streaming"
    assert any("WebDataset is left out" in line for line in told)
    assert list(tmp_path.iterdir()) == []


def test_the_priority_tells_a_group_that_was_favoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.loader.AUTOGROUP", tmp_path / "autogroup")
    assert "group" not in priority()
    (tmp_path / "autogroup").write_text("/autogroup-71 nice -15\n")
    assert priority().endswith(", scheduler group nice -15")
