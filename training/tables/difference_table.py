"""Paired differences of one set as a table."""

from collections.abc import Sequence

from training.tables.differences import CONFIDENCE, Difference, half_width_factor
from training.tables.efficiency_table import share_words
from training.tables.names import METRICS, dataset_title
from training.tables.own_rows import row_name
from training.tables.table import Cell, Row, Table


def difference_table(dataset: str, found: Sequence[Difference]) -> Table | None:
    """Differences of all metrics in percentage points; None where no two runs on the set can be paired."""
    own = [difference for difference in found if difference.first.dataset == dataset]
    if not own:
        return None
    named_twice = _named_twice(own)
    return Table(
        key=f"differences-{dataset}",
        title=f"Paired differences over seeds on {dataset_title(dataset)}",
        word_heads=("Input", "Encoder", "Row less row", "Tiles learnt from", "Seeds"),
        heads=tuple((metric,) for metric in METRICS),
        rows=tuple(_row(difference, by_folder=_words(difference) in named_twice) for difference in own),
        notes=_notes(own),
        main_word=2,
    )


def difference_cell(difference: Difference, metric: str) -> Cell:
    """A difference in percentage points, bold where its interval leaves out 0."""
    paired = difference.of_scores(metric)
    if paired.low is None or paired.high is None:
        return Cell(100 * paired.mean, difference=True)
    ends = (100 * paired.low, 100 * paired.high)
    return Cell(100 * paired.mean, interval=ends, difference=True, bold=not ends[0] <= 0 <= ends[1])


def _row(difference: Difference, *, by_folder: bool) -> Row:
    first, second = difference.first, difference.second
    name = f"{row_name(first)} − {row_name(second)}"
    return Row(
        words=(
            first.input,
            first.encoder,
            f"{name} in {first.folder} and {second.folder}" if by_folder else name,
            f"{first.train_tiles:,}" + ("" if first.train_share == 1.0 else f" ({share_words(first.train_share)})"),
            str(len(difference.seeds)),
        ),
        cells=tuple(difference_cell(difference, metric) for metric in METRICS),
        origin="ours",
        block=f"{first.train_share} {first.encoder} {first.input}",
    )


def _words(difference: Difference) -> tuple[object, ...]:
    first = difference.first
    return (first.input, first.encoder, row_name(first), row_name(difference.second), first.train_share)


def _named_twice(own: Sequence[Difference]) -> set[tuple[object, ...]]:
    words = [_words(difference) for difference in own]
    return {entry for entry in words if words.count(entry) > 1}


def _notes(own: Sequence[Difference]) -> tuple[str, ...]:
    counts = sorted({len(difference.seeds) for difference in own})
    notes = [
        f"Percentage points, mean [{CONFIDENCE:.0%} confidence interval], over the seeds that both rows have: "
        "Student's t of the paired differences, n − 1 degrees of freedom. Bold: the interval leaves out 0."
    ]
    for n in counts:
        if n == 1:
            notes.append("Of a single seed there is no interval: such a difference says little.")
        elif n < 5:
            factor = half_width_factor(n)
            notes.append(
                f"With {n} seeds the interval is wide: {factor:.2f} standard deviations of the differences to either "
                "side. One that holds 0 does not say that two rows are equal."
            )
    intervals = sum(len(difference.seeds) > 1 for difference in own) * len(METRICS)
    if intervals > 1:
        notes.append(
            f"Of {intervals} such intervals about {intervals * (1 - CONFIDENCE):.2g} would leave out 0 by chance, "
            "were there no differences at all; and they speak of other seeds, not of other tiles."
        )
    return tuple(notes)
