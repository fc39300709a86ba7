import dataclasses

import pytest
import torch

from pipeline.schema.errors import UsageError
from training.analysis.runs import Runs
from training.analysis.transfer_networks import network_after, network_before, reopen
from training.analysis.weight_change import weight_changes
from training.compute import Compute


def test_a_frozen_encoder_is_the_same_before_and_after(runs: Runs, compute: Compute) -> None:
    (run,) = runs.transfer
    setup = reopen(run, compute)
    for seed in run.seeds:
        before = {name: w.clone() for name, w in network_before(setup, seed).state_dict().items()}
        after = network_after(setup, run, seed).state_dict()
        encoder = [name for name in after if name.startswith("encoder.")]
        assert all(torch.equal(before[name], after[name]) for name in encoder)
        changes = {(c.part, c.group): c.kl for c in weight_changes(before, after)}
        assert changes["encoder", "all"] == 0.0
        assert changes["decoder", "all"] > 0.0


def test_each_repeat_begins_with_its_own_decoder(runs: Runs, compute: Compute) -> None:
    (run,) = runs.transfer
    setup = reopen(run, compute)
    first, second = (network_before(setup, seed).state_dict() for seed in run.seeds)
    assert not torch.equal(first["decoder.blocks.0.conv1.0.weight"], second["decoder.blocks.0.conv1.0.weight"])


def test_weights_that_are_others_by_now_are_refused(runs: Runs, compute: Compute) -> None:
    (run,) = runs.transfer
    other = {**run.record, "weights": {**run.record["weights"], "sha256": "another"}}
    with pytest.raises(UsageError, match=r"the weights of .* are not what it was trained with any more"):
        reopen(dataclasses.replace(run, record=other), compute)
