from pathlib import Path

import pytest
import torch

from pipeline.schema.bands import S2_SCALING
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.layout import PretrainLayout
from training.analysis.runs import Runs, load_network, open_runs, unique_names
from training.checkpoint import published_weights
from training.compute import Compute
from training.json_file import read_json, write_json
from training.weight_files import read_weights


def test_runs_are_told_apart_and_named(runs: Runs) -> None:
    assert [run.name for run in runs.pretraining] == ["both", "single"]
    assert [run.name for run in runs.transfer] == ["moved"]
    assert runs.transfer[0].seeds == (0, 1)
    assert runs.transfer[0].modality == "s2"
    assert [kind for _, _, kind in runs.listed()] == ["pretraining", "pretraining", "transfer"]


def test_checkpoints_are_those_that_were_kept_and_the_last(runs: Runs, compute: Compute) -> None:
    run = runs.pretraining[0]
    assert [checkpoint.epoch for checkpoint in run.checkpoints] == [0, 1, 2]
    assert run.last.epoch == 2
    network = load_network(run, run.last, compute)
    assert not network.training
    stored = read_weights(PretrainLayout(run.folder).weights)
    assert all(torch.equal(tensor, stored[name]) for name, tensor in published_weights(network).items())


def test_a_run_that_kept_nothing_has_its_last_network(runs: Runs, tmp_path: Path) -> None:
    source = PretrainLayout(runs.pretraining[0].folder)
    layout = PretrainLayout(tmp_path / "run" / "pretrain")
    layout.root.mkdir(parents=True)
    for name in ("record", "result", "weights"):
        getattr(layout, name).write_bytes(getattr(source, name).read_bytes())
    (found,) = open_runs([tmp_path / "run"]).pretraining  # a build that has a pretraining run
    assert found.name == "run"
    assert [(c.epoch, c.path) for c in found.checkpoints] == [(2, layout.weights)]
    assert found.scaling("s2") == S2_SCALING
    layout.result.unlink()
    with pytest.raises(UsageError, match="has no weights yet"):
        open_runs([tmp_path / "run"])
    write_json(layout.record, {**read_json(layout.record), "settings": {"epochs": 0}})
    with pytest.raises(NoldoError, match="states no settings"):
        open_runs([layout.root])


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no run"):
        open_runs([tmp_path])


def test_a_run_named_twice_is_taken_once(runs: Runs) -> None:
    folder = runs.pretraining[0].folder
    assert len(open_runs([folder, folder / ".." / folder.name]).pretraining) == 1


def test_weights_of_another_network_are_refused(runs: Runs, compute: Compute) -> None:
    both, single = runs.pretraining
    with pytest.raises(UsageError, match="is not the network of"):
        load_network(both, single.last, compute)


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (["/a/demo/pretrain"], ["demo"]),
        (["/a/x", "/b/x"], ["a/x", "b/x"]),
        (["/a/x/pretrain", "/a/y/pretrain"], ["x", "y"]),
        (["/a/x/pretrain", "/a/x"], ["pretrain", "x"]),
        (["/x", "/a/x"], ["//x", "a/x"]),
    ],
)
def test_names_are_short_and_unique(folders: list[str], names: list[str]) -> None:
    found = unique_names([Path(folder) for folder in folders])
    assert [found[Path(folder)] for folder in folders] == names
