import pytest

from benchmarks.scale import bench_scale, figures, growth
from benchmarks.scale_run import ScaleRun


@pytest.mark.parametrize(
    ("costs", "expected"),
    [([5.0, 7.0, 11.0], 1.0), ([1.0, 4.0, 16.0], 2.0), ([5.0, 9.0, 13.0], 0.5)],
)
def test_growth_is_one_along_a_line_wherever_it_begins(costs: list[float], expected: float) -> None:
    assert growth([10, 20, 40], costs) == pytest.approx(expected)


def test_two_sizes_say_nothing_of_growth() -> None:
    with pytest.raises(ValueError, match="three sizes"):
        growth([10, 20], [1.0, 2.0])
    with pytest.raises(ValueError, match="at least one size"):
        bench_scale([])


def run(locations: int, seconds: float, driver: int) -> ScaleRun:
    return ScaleRun(locations, locations // 2, {"sample": seconds, "graph": 2 * seconds}, {"sample": driver}, 5 * 10**8)


def test_figures_tell_every_size_and_both_slopes() -> None:
    runs = [run(10, 1.0, 10**9), run(20, 2.0, 2 * 10**9), run(40, 4.0, 10 * 10**9)]
    found = {figure.name: figure for figure in figures(runs)}
    assert found["40 locations, graph"].value == 8.0
    assert found["40 locations, all"].value == 12.0
    assert found["20 locations, peak of the driver"].value == 2.0
    assert found["time of a further location, last to first"].met
    memory = found["memory of a further location, last to first"]
    assert memory.value == pytest.approx(4.0)
    assert not memory.met


def test_without_three_sizes_there_are_no_slopes() -> None:
    assert not [f for f in figures([run(10, 1.0, 1)]) if "further" in f.name]
