import pytest

from pipeline.emulator.faults import FaultKind, Faults, FaultStream, parse_faults
from pipeline.schema.errors import UsageError


def test_a_spec_names_kinds_and_rates() -> None:
    faults = parse_faults("429:0.05, reset:0.02,truncate:0.1", slow_s=0.5)
    assert faults.rates == ((FaultKind.QUOTA, 0.05), (FaultKind.RESET, 0.02), (FaultKind.TRUNCATE, 0.1))
    assert faults.slow_s == 0.5


def test_an_empty_spec_means_no_faults() -> None:
    assert parse_faults("") == Faults()
    assert FaultStream(parse_faults(""), seed=1).draw() is None


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ("teapot:0.1", "accepted"),
        ("429", "accepted"),
        ("429:often", "accepted"),
        ("429:1.5", "0..1"),
        ("429:-0.1", "0..1"),
        ("429:0.1,429:0.1", "twice"),
        ("429:0.6,503:0.6", "more than 1"),
    ],
)
def test_a_wrong_spec_is_refused_in_one_line(spec: str, word: str) -> None:
    with pytest.raises(UsageError, match=word) as caught:
        parse_faults(spec)
    assert "\n" not in str(caught.value)


def test_the_stream_is_seeded_and_follows_the_rates() -> None:
    faults = parse_faults("429:0.2,slow:0.3")

    def kinds(seed: int) -> list[str | None]:
        stream = FaultStream(faults, seed)
        return [None if f is None else f.kind for f in (stream.draw() for _ in range(4000))]

    drawn = kinds(3)
    assert drawn == kinds(3)
    assert drawn != kinds(4)
    assert 0.17 < drawn.count("429") / 4000 < 0.23
    assert 0.27 < drawn.count("slow") / 4000 < 0.33


def test_truncation_is_noticed_half_the_time() -> None:
    stream = FaultStream(parse_faults("truncate:1"), seed=0)
    drawn = [stream.draw() for _ in range(1000)]
    assert 420 < sum(f is not None and f.consistent for f in drawn) < 580
