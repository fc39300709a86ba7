from pathlib import Path

import numpy as np
import pytest

from benchmarks import loader_readers
from benchmarks.loader import WRITERS
from benchmarks.loader_readers import PEERS, READERS, missing_peers, plans, time_reader
from benchmarks.loader_store import seasons, seasons_of, write_store
from training.dataset import open_store
from training.loader import read_batches


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("loader")
    write_store(path, 5, 24)
    return path


@pytest.mark.parametrize(
    "name", ["ours, 1 thread", "ours, 2 threads", "tensorstore vindex", "zarr-python", "bare decode", "memcpy"]
)
def test_a_reader_reads_every_location(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader_readers, "BATCH", 2)
    wall, cpu, count = time_reader(name, folder)
    assert count == 5
    assert wall > 0
    assert cpu > 0
    loader_readers.opened.cache_clear()


@pytest.mark.filterwarnings("ignore")  # theirs
@pytest.mark.parametrize("library", PEERS)
def test_a_peer_reads_every_location(tmp_path: Path, library: str) -> None:
    pytest.importorskip(PEERS[library])
    write_store(tmp_path, 5, 24)
    for write in WRITERS[library]:
        write(tmp_path)
    for name in (name for name in READERS if name.startswith(library)):
        assert time_reader(name, tmp_path)[2] == 5


def test_all_are_asked_for_the_seasons_that_were_written_for_the_others(folder: Path) -> None:
    store = open_store(folder / "nol.zarr")
    written = list(seasons(folder))
    (batch,) = read_batches(store, plans(store), pin=False)
    assert batch.season.tolist() == seasons_of(5)[batch.rows].tolist()
    for at, row in enumerate(batch.rows.tolist()):
        assert np.array_equal(batch.s2[at], written[row]["s2"])


def test_peers_that_are_not_installed_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader_readers, "PEERS", {"WebDataset": "no_such_package", "NumPy": "numpy"})
    assert missing_peers() == ["WebDataset"]


def test_no_reader_is_named_twice() -> None:
    assert len({name.lower() for name in READERS}) == len(READERS)
