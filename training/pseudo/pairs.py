"""Which labelled and which unlabelled images each step of the teacher's training sees."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.schema.records import N_SEASONS
from training.epoch_plan import BatchPlan, Shuffle, plan_epoch

SHARE_STREAM, UNLABELLED_STREAM = 7, 8
"""Tell these random numbers from others drawn of the same seed."""


@dataclass(frozen=True)
class Sources:
    """Training rows by what is known of them; both may hold the same rows."""

    labelled: NDArray[np.int64]
    unlabelled: NDArray[np.int64]


def sources_of(train: NDArray[np.int64], labelled_share: float, seed: int) -> Sources:
    """Draw the rows whose labels are learnt, at least one; the others are unlabelled, and where none are, all are."""
    count = max(1, round(labelled_share * len(train)))
    order = np.random.default_rng([seed, SHARE_STREAM]).permutation(train)
    labelled, rest = np.sort(order[:count]), np.sort(order[count:])
    return Sources(labelled, rest if len(rest) else labelled)


def plan_pairs(sources: Sources, *, seed: int, epoch: int, batch_size: int) -> list[tuple[BatchPlan, BatchPlan]]:
    """Every labelled row once in a random season, each with an unlabelled image; a pure function of its arguments.

    Unlabelled rows come round again where they are fewer, and a row is never paired with itself unless it is the
    only one.
    """
    labelled = plan_epoch(Shuffle(seed, epoch), sources.labelled, batch_size)
    order = np.concatenate([plan.rows for plan in labelled])
    stream = np.random.default_rng([seed, UNLABELLED_STREAM, epoch])
    if np.array_equal(sources.labelled, sources.unlabelled):
        partners = np.roll(order, int(stream.integers(1, max(2, len(order)))))
    else:
        rounds = -(-len(order) // len(sources.unlabelled))
        partners = np.concatenate([stream.permutation(sources.unlabelled) for _ in range(rounds)])[: len(order)]
    seasons = stream.integers(0, N_SEASONS, size=len(order))
    pairs, start = [], 0
    for plan in labelled:
        end = start + len(plan.rows)
        pairs.append((plan, BatchPlan(partners[start:end], seasons[start:end])))
        start = end
    return pairs
