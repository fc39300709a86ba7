"""What is read of a tile shows all that its crop can see, and an epoch is a pure function of seed and number."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from training.augment import Augmentation, draw, place_labels, place_values
from training.transfer.tile_plan import TileBatchPlan, plan_tile_epoch, plan_tile_test

PX = 40


def planned(
    rows: NDArray[np.int64], seed: int = 0, epoch: int = 0, crop: int = 16, turned: float = 0.5
) -> list[TileBatchPlan]:
    augmentation = Augmentation(crop_px=crop, flip_p=0.5, rotation_p=turned, rotation_max_deg=90.0)
    return plan_tile_epoch(rows, tile_px=PX, batch_size=4, augmentation=augmentation, seed=seed, epoch=epoch)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), epoch=st.integers(0, 5), crop=st.integers(2, PX))
def test_reading_only_what_a_crop_sweeps_changes_nothing(seed: int, epoch: int, crop: int) -> None:
    tiles = torch.from_numpy(np.random.default_rng(seed).uniform(-1, 1, (4, 3, PX, PX)).astype(np.float32))
    (plan,) = planned(np.arange(4), seed, epoch, crop, turned=0.7)
    parts = torch.stack(
        [
            tiles[row, :, top : top + plan.side_px, left : left + plan.side_px]
            for row, top, left in zip(plan.rows, plan.top, plan.left, strict=True)
        ]
    )
    state = np.random.SeedSequence([seed, 3, epoch]).generate_state(1)
    augmentation = Augmentation(crop_px=crop, flip_p=0.5, rotation_p=0.7, rotation_max_deg=90.0)
    whole = draw(augmentation, 4, PX, torch.Generator().manual_seed(int(state[0])))
    expected = place_values(tiles[plan.rows], whole)
    assert torch.allclose(place_values(parts, plan.placement), expected, atol=2e-4)
    assert place_labels(parts, plan.placement).shape == expected.shape
    assert plan.side_px <= PX


@given(count=st.integers(2, 23), seed=st.integers(0, 100))
def test_an_epoch_sees_every_tile_once(count: int, seed: int) -> None:
    rows = np.arange(100, 100 + count)
    plans = planned(rows, seed)
    assert sorted(np.concatenate([plan.rows for plan in plans]).tolist()) == rows.tolist()
    assert all(len(plan.rows) >= 2 for plan in plans)


def test_a_single_tile_is_seen_twice() -> None:
    (plan,) = planned(np.array([7]))
    assert plan.rows.tolist() == [7, 7]


def test_order_crops_and_turns_follow_from_seed_and_epoch() -> None:
    def told(plans: list[TileBatchPlan]) -> list[object]:
        return [(p.rows.tolist(), p.top.tolist(), p.placement.angle.tolist()) for p in plans]

    rows = np.arange(12)
    assert told(planned(rows, 5, 2)) == told(planned(rows, 5, 2))
    assert told(planned(rows, 5, 2)) != told(planned(rows, 5, 3))
    assert told(planned(rows, 5, 2)) != told(planned(rows, 6, 2))


def test_the_test_reads_whole_tiles_in_order() -> None:
    plans = plan_tile_test(np.arange(7), tile_px=PX, batch_size=3)
    assert [plan.rows.tolist() for plan in plans] == [[0, 1, 2], [3, 4, 5], [6]]
    assert all(plan.side_px == PX and not plan.top.any() and not plan.placement.angle.any() for plan in plans)
