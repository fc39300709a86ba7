"""The test set in one confusion matrix, whatever the batches, and a few tiles to look at."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import zarr
from sklearn.metrics import confusion_matrix

from pipeline.schema.errors import NoldoError
from training.transfer.run import set_up
from training.transfer.score_tiles import TileOutcome, batches_of_test, score_tiles
from training.transfer.seed_state import new_seed_state
from training.transfer.settings import TransferSettings

StoreWriter = Callable[..., Path]
Small = Callable[..., TransferSettings]
TILES = 5


def scored(settings: TransferSettings, store: Path) -> TileOutcome:
    setup = set_up(settings, store, store, None)
    state, _ = new_seed_state(setup, 0)
    batches: list[int] = []
    outcome = score_tiles(state.network, setup, batch_done=batches.append)
    assert batches == list(range(1, batches_of_test(setup) + 1))
    assert not state.network.training
    return outcome


@pytest.fixture
def store(tile_store: StoreWriter, tmp_path: Path) -> Path:
    return tile_store(tmp_path / "dw_test.zarr", tiles=TILES, px=44)


def test_the_matrix_is_scikit_learns_whatever_the_batch_size(small: Small, store: Path) -> None:
    outcomes = [scored(small(batch_size=size, shown_tiles=TILES), store) for size in (2, 3, TILES)]
    label, prediction = outcomes[0].shown["label"], outcomes[0].shown["prediction"]
    counted = label != 255
    assert 0 < counted.sum() < counted.size
    expected = confusion_matrix(label[counted], prediction[counted], labels=range(9))
    for outcome in outcomes:
        assert outcome.confusion.tolist() == expected.tolist()


def test_the_tiles_shown_are_those_of_the_store(small: Small, store: Path) -> None:
    outcome = scored(small(modality="s1", shown_tiles=3), store)
    assert outcome.shown["row"].tolist() == [0, 2, 4]
    group = zarr.open_group(store, mode="r")
    assert np.array_equal(outcome.shown["s1"], group["s1"][[0, 2, 4]])  # type: ignore[index]
    assert scored(small(shown_tiles=0), store).shown["row"].tolist() == []


def test_windows_and_views_come_into_it(small: Small, store: Path) -> None:
    plain = scored(small(), store).confusion
    for changes in ({"window_px": 32, "overlap": 0.5}, {"tta": {"flips": True, "scales": [0.75, 1.0]}}):
        other = scored(small(**changes), store).confusion
        assert other.sum() == plain.sum()
        assert not torch.equal(other, plain)


def test_a_set_without_labels_has_nothing_to_score(small: Small, store: Path) -> None:
    zarr.open_array(store / "dw", mode="r+").with_config({"write_empty_chunks": True})[:] = 255
    with pytest.raises(NoldoError, match="no pixel has a label of 'dw'"):
        scored(small(), store)
