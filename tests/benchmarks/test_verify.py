from pathlib import Path

import pytest

from benchmarks.verify import GOAL, HASH, SHA256SUM, VERIFY, Round, VerifyLoad, bench_verify, figures, named


def rounds(*seconds: float) -> list[Round]:
    return [Round(wall_s=each, cpu_s=2 * each) for each in seconds]


def test_rounds_are_compared_with_those_beside_them() -> None:
    # The machine was three times slower in the second round, for all.
    found = {
        figure.name: figure
        for figure in figures(
            {
                named(VERIFY, 2): rounds(2.0, 6.0, 2.0),
                named(HASH, 2): rounds(1.2, 3.6, 1.0),
                SHA256SUM: rounds(5.0, 15.0, 4.0),
            },
            [2],
            4_000_000,
        )
    }
    title = f"{named(VERIFY, 2)}, to {HASH}"
    assert found[named(VERIFY, 2)].value == pytest.approx(2.0)
    assert found[title].value == pytest.approx(0.6)
    assert (found[title].at_least, found[title].met) == (GOAL, True)
    assert found[f"{title}: best rounds"].value == pytest.approx(0.5)
    assert found[f"{named(VERIFY, 2)}, to {SHA256SUM}"].value == pytest.approx(2.5)


@pytest.mark.timeout(240)
def test_a_small_benchmark_runs_and_leaves_nothing(tmp_path: Path) -> None:
    told: list[str] = []
    result = bench_verify(VerifyLoad(locations=3, rounds=1), tmp_path, told.append)
    assert all(figure.value >= 0 for figure in result.figures)
    assert {figure.name for figure in result.figures} >= {named(VERIFY, 1), named(HASH, 1)}
    assert told[-1] == "round 1 of 1"
    assert list(tmp_path.iterdir()) == []
