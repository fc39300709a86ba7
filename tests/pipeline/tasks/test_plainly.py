import errno
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline.recipe import Recipe
from pipeline.schema.errors import NoldoError
from pipeline.schema.layout import RunLayout
from pipeline.sources.earthengine import emulator_spec
from pipeline.tasks.job import Job
from pipeline.tasks.plainly import run_alone, run_plainly


@pytest.fixture
def job(tmp_path: Path) -> Job:
    recipe = Recipe.model_validate({"sample": {"count": 2}, "source": {"kind": "emulator"}})
    return Job(RunLayout(tmp_path), recipe, emulator_spec("http://127.0.0.1:9"), None)


@pytest.mark.parametrize(("number", "said"), [(errno.ENOSPC, "free some space"), (errno.EROFS, "writable")])
@pytest.mark.parametrize("named", [True, False])
def test_a_disk_that_refuses_is_one_line_that_says_where_and_what_to_do(
    job: Job, number: int, said: str, named: bool
) -> None:
    def task(_: Job) -> None:
        raise OSError(number, os.strerror(number), *(["/data/tables/part"] if named else []))

    with pytest.raises(NoldoError) as caught:
        run_plainly(task, job)
    message = str(caught.value)
    assert os.strerror(number) in message
    assert said in message
    assert ("/data/tables/part" if named else str(job.run.root)) in message
    assert "\n" not in message


def test_other_errors_pass_as_they_are(job: Job) -> None:
    def task(_: Job) -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file", "x")

    with pytest.raises(FileNotFoundError):
        run_plainly(task, job)


def test_heavy_work_goes_one_by_one_in_a_process(job: Job) -> None:
    lock, now, most = threading.Lock(), 0, 0

    def task(_: Job, number: int) -> int:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1
        return number

    def one(number: int) -> Any:
        return run_alone(task, job, number)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, range(8))) == list(range(8))
    assert most == 1
