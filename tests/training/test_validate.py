"""The validation loss is the objective's over the held-out centres, and must be a number."""

from pathlib import Path

import pytest
import torch

from pipeline.schema.errors import NoldoError
from pipeline.schema.layout import PretrainLayout
from training.augment import centre
from training.compute import choose_compute, network_inputs
from training.dataset import open_store, split_locations
from training.epoch_plan import Shuffle, in_batches
from training.loader import read_batches
from training.objective import Objective
from training.run import Run
from training.run_state import RunState, new_state
from training.settings import PretrainSettings
from training.step import validation_loss
from training.validate import validate
from training.world import ALONE


@pytest.fixture
def run(small: tuple[Path, Path], tiny_settings: PretrainSettings, tmp_path: Path) -> Run:
    settings = tiny_settings.model_copy(update={"val_fraction": 0.4, "batch_size": 2})
    store = open_store(small[0])
    split = split_locations(store.locations, settings.val_fraction, settings.seed)
    assert len(split.held_out) == 3
    objective, layout = Objective(**settings.objective.model_dump()), PretrainLayout(tmp_path)
    return Run(settings, objective, store, split, choose_compute(settings), ALONE, layout, lambda progress: None)


@pytest.fixture
def state(run: Run) -> RunState:
    return new_state(run.settings, run.compute)


@torch.no_grad()
def by_hand(run: Run, state: RunState) -> float:
    """A batch of two and one of one, each counted by its locations."""
    rows = run.split.held_out
    seasons = Shuffle(run.settings.seed, epoch=0).seasons(rows)
    total = 0.0
    state.network.eval()
    for batch in read_batches(run.store, in_batches(rows, seasons, 2), pin=False):
        placement = centre(len(batch.rows), run.settings.crop_px, run.store.patch_px)
        inputs = network_inputs(batch, placement, s2_bands=13, compute=run.compute)
        loss = validation_loss(state.network(inputs.s1, inputs.s2), inputs, run.objective)
        total += float(loss) * len(batch.rows)
    return total / 3


def test_it_is_the_mean_over_the_held_out_locations_in_every_epoch(run: Run, state: RunState) -> None:
    state.network.train()
    before = {name: value.clone() for name, value in state.network.state_dict().items()}
    assert validate(run, state.network, 0) == by_hand(run, state) == validate(run, state.network, 5)
    assert all(torch.equal(value, before[name]) for name, value in state.network.state_dict().items())


def test_a_loss_that_is_no_number_ends_the_run(run: Run, state: RunState) -> None:
    with torch.no_grad():
        next(state.network.parameters()).fill_(float("nan"))
    with pytest.raises(NoldoError, match="epoch 3: the validation loss is nan; try a lower learning_rate"):
        validate(run, state.network, 2)
