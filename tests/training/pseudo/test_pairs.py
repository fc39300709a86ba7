"""Which images meet in a step."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from training.pseudo.pairs import plan_pairs, sources_of


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 60), st.floats(0.01, 1.0), st.integers(0, 2**31), st.integers(2, 16))
def test_every_labelled_row_comes_once_and_meets_an_unlabelled_other(
    rows: int, share: float, seed: int, batch: int
) -> None:
    train = np.arange(100, 100 + rows)
    sources = sources_of(train, share, seed)
    assert len(sources.labelled) == max(1, round(share * rows))
    if len(sources.labelled) < rows:
        assert sorted([*sources.labelled, *sources.unlabelled]) == train.tolist()
    pairs = plan_pairs(sources, seed=seed, epoch=3, batch_size=batch)
    labelled = np.concatenate([plan.rows for plan, _ in pairs])
    partners = np.concatenate([plan.rows for _, plan in pairs])
    assert sorted(labelled) == sources.labelled.tolist()
    assert set(partners) <= set(sources.unlabelled)
    assert all(len(a.rows) == len(b.rows) for a, b in pairs)
    assert all(((b.seasons >= 0) & (b.seasons < 4)).all() for _, b in pairs)
    if len(set(sources.unlabelled) | set(labelled)) > 1:
        assert (labelled != partners).all()


def test_all_unlabelled_rows_take_their_turn() -> None:
    sources = sources_of(np.arange(40), 0.25, 0)
    epochs = [plan_pairs(sources, seed=0, epoch=epoch, batch_size=4) for epoch in range(20)]
    assert {int(row) for pairs in epochs for _, b in pairs for row in b.rows} == set(sources.unlabelled)


def test_the_plan_follows_from_seed_and_epoch() -> None:
    sources = sources_of(np.arange(20), 0.5, 1)

    def rows(seed: int, epoch: int) -> list[list[int]]:
        pairs = plan_pairs(sources, seed=seed, epoch=epoch, batch_size=4)
        return [[*a.rows.tolist(), *b.rows.tolist(), *b.seasons.tolist()] for a, b in pairs]

    assert rows(1, 0) == rows(1, 0)
    assert rows(1, 0) != rows(1, 1) != rows(2, 1)
