"""Two processes that torchrun starts train one network: over gloo, on this machine's loopback."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.schema.layout import PretrainLayout
from training.dataset import split_locations
from training.epoch_log import read_log
from training.settings import PretrainSettings

PROCESSES = 2

PROGRAM = """
import hashlib, json, os, signal, sys
from pathlib import Path
import torch
from training import pretrain as module, train_epoch
from training.settings import PretrainSettings
from training.world import world_of

folder, store = Path(sys.argv[1]), Path(sys.argv[2])
settings = PretrainSettings.model_validate_json((folder / "settings.json").read_text())
world = world_of(os.environ)
rows, states, told = [], [], []
read, new_state = train_epoch.read_batches, module.new_state

def watched(*arguments, **options):
    rows.append([])
    for batch in read(*arguments, **options):
        rows[-1] += batch.rows.tolist()
        yield batch

def kept(*arguments):
    states.append(new_state(*arguments))
    return states[-1]

def stop(progress):
    told.append((progress.epoch, progress.step))
    signal.raise_signal(signal.SIGINT)

train_epoch.read_batches, module.new_state = watched, kept
torch.distributed.init_process_group("gloo")

def digest(tensors):
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(tensor.detach().numpy().tobytes())
    return found.hexdigest()

def run(name, on_progress, resume=False):
    del rows[:], told[:]
    ended = "finished"
    try:
        options = {"reference": None, "resume": resume, "on_progress": on_progress, "world": world}
        module.pretrain(settings, store, folder / name, **options)
    except KeyboardInterrupt:
        ended = "stopped"
    network = states[-1].network
    weights, statistics = digest(network.parameters()), digest(network.buffers())
    return {"ended": ended, "rows": list(rows), "told": list(told), "weights": weights, "statistics": statistics}

def note(progress):
    told.append((progress.epoch, progress.step))

found = {
    "whole": run("whole", note),
    "stopped": run("cut", stop),
    "resumed": run("cut", note, resume=True),
}
(folder / f"rank-{world.rank}.json").write_text(json.dumps(found))
torch.distributed.destroy_process_group()
"""


def torchrun(*command: str) -> subprocess.CompletedProcess[str]:
    start = (sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={PROCESSES}")
    process = subprocess.Popen([*start, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, err = process.communicate(timeout=200)
    except subprocess.TimeoutExpired:
        process.terminate()  # it then ends its processes, and kills them after half a minute
        out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture(scope="module")
def store(store_writer: Callable[..., tuple[Path, Path]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store_writer(tmp_path_factory.mktemp("together"), locations=11)[0]


@pytest.fixture(scope="module")
def settings(tiny_settings: PretrainSettings) -> PretrainSettings:
    """Nine locations to train on, so shares of five and four; batches of one, of which the fifth joins the fourth."""
    return type(tiny_settings).model_validate(
        {**tiny_settings.model_dump(), "decoder_channels": (8, 8, 8), "batch_size": 1, "rotation_p": 0.9}
    )


@pytest.fixture(scope="module")
def folder(store: Path, settings: PretrainSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a run that was never stopped, one that was stopped and resumed, and what each process saw of them."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "settings.json").write_text(settings.model_dump_json())
    (folder / "program.py").write_text(PROGRAM)
    done = torchrun(str(folder / "program.py"), str(folder), str(store))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def ranks(folder: Path) -> list[dict[str, Any]]:
    return [json.loads((folder / f"rank-{rank}.json").read_text()) for rank in range(PROCESSES)]


def test_together_they_see_every_location_once_an_epoch(
    ranks: list[dict[str, Any]], settings: PretrainSettings
) -> None:
    train = split_locations(11, settings.val_fraction, settings.seed).train.tolist()
    for epoch in range(settings.epochs):
        seen = [rank["whole"]["rows"][epoch] for rank in ranks]
        assert sorted(len(rows) for rows in seen) == [4, 5]
        assert sorted(seen[0] + seen[1]) == train


def test_both_end_with_the_same_weights(ranks: list[dict[str, Any]]) -> None:
    """In mid-epoch only the weights: statistics are rank 0's as soon as they are used."""
    for run in ("whole", "stopped", "resumed"):
        assert len({rank[run]["weights"] for rank in ranks}) == 1
    for run in ("whole", "resumed"):
        assert len({rank[run]["statistics"] for rank in ranks}) == 1
    assert ranks[0]["whole"]["weights"] != ranks[0]["stopped"]["weights"]


def test_one_told_to_stop_stops_both_at_one_step(ranks: list[dict[str, Any]]) -> None:
    assert [rank["stopped"]["ended"] for rank in ranks] == ["stopped", "stopped"]
    assert ranks[0]["stopped"]["told"] == [[1, 1], [1, 2]]
    assert [rank["resumed"]["ended"] for rank in ranks] == ["finished", "finished"]


def test_resumed_in_mid_epoch_they_see_the_rest_and_end_bit_for_bit_alike(
    ranks: list[dict[str, Any]], folder: Path
) -> None:
    for rank in ranks:
        first, second = rank["whole"]["rows"]
        assert [first[2:], second] == rank["resumed"]["rows"]
        for part in ("weights", "statistics"):
            assert rank["resumed"][part] == rank["whole"][part]
    logs = [read_log(PretrainLayout(folder / name).log, 2) for name in ("whole", "cut")]
    timed = {"seconds", "locations_per_s", "data_wait_share"}
    for one, other in zip(*logs, strict=True):
        assert {k: v for k, v in one.items() if k not in timed} == {k: v for k, v in other.items() if k not in timed}
    moments = [
        torch.load(PretrainLayout(folder / name).checkpoint, weights_only=True)["optimizer"]["state"]
        for name in ("whole", "cut")
    ]
    assert all(torch.equal(v, moments[1][key][k]) for key, m in moments[0].items() for k, v in m.items())


def test_only_the_first_shows_and_writes(ranks: list[dict[str, Any]], folder: Path) -> None:
    assert ranks[0]["whole"]["told"] == [[epoch, step] for epoch in (1, 2) for step in (1, 2, 3, 4)]
    assert ranks[1]["whole"]["told"] == []
    assert len(list(PretrainLayout(folder / "whole").tensorboard.iterdir())) == 1
    assert len(read_log(PretrainLayout(folder / "whole").log, 2)) == 2
    assert json.loads(PretrainLayout(folder / "whole").record.read_text())["world_size"] == PROCESSES


def test_the_command_says_it_once(store: Path, folder: Path) -> None:
    layout = PretrainLayout(folder / "whole")
    noldo = str(Path(sys.executable).with_name("noldo"))
    done = torchrun(
        "--no-python", noldo, "pretrain", str(layout.recipe), "--store", str(store), "--out", str(layout.root)
    )
    assert done.returncode == 0, done.stderr
    said = Counter(done.stdout.splitlines())
    assert said["Nothing to do: this run is finished."] == 1
    assert said[f"Weights: {layout.weights}"] == 1
