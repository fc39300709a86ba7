import pytest

from pipeline.quantities import duration, rate, size


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "–"), (12.34, "12.3 s"), (125, "2 min 05 s"), (11_220, "3 h 07 min"), (200_000, "2 d 07 h")],
)
def test_durations(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_sizes() -> None:
    assert [size(n) for n in (0, 51_800_000, 1.013e12)] == ["0 B", "51.8 MB", "1.01 TB"]


def test_rates() -> None:
    assert [rate(per_s) for per_s in (12.34, 1, 0.25, 1 / 60, 0.001)] == ["12.3/s", "1/s", "15/min", "1/min", "3.6/h"]
