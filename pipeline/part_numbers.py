"""Many part numbers in few characters: '0-17,19,21-40'."""

from collections.abc import Iterable, Iterator


def as_ranges(numbers: Iterable[int]) -> str:
    """The numbers in order, each once, runs of neighbours as 'first-last'."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def from_ranges(text: str) -> Iterator[int]:
    """The numbers behind `as_ranges`, in order."""
    for run in filter(None, text.split(",")):
        first, _, last = run.partition("-")
        yield from range(int(first), int(last or first) + 1)
