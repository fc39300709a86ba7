"""Parts of files are what lies there, and a file that is short says so."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from pipeline.schema.paths import AnyPath
from training.shard_files import CutShortError, DiskFiles, shard_files

CONTENT = bytes(range(256)) * 40


@pytest.fixture(params=["disk", "bucket"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> AnyPath:
    """A folder with the file c/0 in it."""
    if request.param == "bucket":
        place: AnyPath = request.getfixturevalue("bucket")()
        place.fs.pipe_file(f"{place.path}/c/0", CONTENT)
        return place
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "0").write_bytes(CONTENT)
    return tmp_path


def test_parts_are_what_lies_there(folder: AnyPath) -> None:
    files = shard_files(folder)
    assert files.end("c/0", 300).tobytes() == CONTENT[-300:]
    assert files.begin("c/0", 1000, 77)().tobytes() == CONTENT[1000:1077]
    files.close()


def test_several_parts_may_be_under_way_at_once(folder: AnyPath) -> None:
    files = shard_files(folder)
    begun = [(at, files.begin("c/0", at, 100)) for at in range(0, 10_000, 500)]
    for at, wait in begun:
        assert wait().tobytes() == CONTENT[at : at + 100]
    files.close()


def test_a_file_that_is_short_or_not_there_is_told_apart(folder: AnyPath) -> None:
    files = shard_files(folder)
    with pytest.raises(CutShortError, match="cut short"):
        files.end("c/0", len(CONTENT) + 1)
    with pytest.raises(CutShortError, match="cut short"):
        files.begin("c/0", len(CONTENT) - 10, 11)()
    with pytest.raises(FileNotFoundError):
        files.end("c/1", 4)
    files.close()


def test_threads_do_not_share_the_memory_they_read_into(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(CONTENT)
    files = DiskFiles(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        wrong = pool.map(
            lambda at: [files.begin("f", at, 64)().tobytes() == CONTENT[at : at + 64] for _ in range(200)].count(False),
            range(0, 4000, 100),
        )
        assert sum(wrong) == 0
    files.close()


def test_a_file_stays_open_until_all_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_bytes(CONTENT)
    opened: list[int] = []
    real: Callable[..., int] = os.open

    def noted(*arguments: object, **named: object) -> int:
        opened.append(real(*arguments, **named))  # type: ignore[arg-type]
        return opened[-1]

    monkeypatch.setattr(os, "open", noted)
    files = DiskFiles(tmp_path)
    for at in range(0, 1000, 100):
        files.begin("f", at, 10)()
    assert len(opened) == 1
    files.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[0])
    assert np.array_equal(files.end("f", 4), np.frombuffer(CONTENT[-4:], np.uint8))  # opened anew
    files.close()
