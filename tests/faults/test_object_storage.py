"""A run in object storage: the same data as on a disk, one build at a time, through a kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipeline.event_log import read_events
from pipeline.files import file_sizes, listed
from pipeline.schema.paths import AnyPath

Noldo = Callable[..., Any]
"""Runs `noldo ARGUMENTS...` to its end, see tests/conftest.py."""

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def building(
    small_recipe: Path, bucket: Callable[[], AnyPath], small_planet_url: str
) -> Iterator[tuple[AnyPath, "subprocess.Popen[bytes]"]]:
    """A build into a bucket that has committed its first scenes and gets no further; killed in the end."""
    out = bucket()
    command = [str(Path(sys.executable).parent / "noldo"), "build", str(small_recipe), "--out", str(out)]
    build = subprocess.Popen(
        [*command, "--workers", "2", "--set", f"source.url={small_planet_url}"],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 240
        while not listed(out / "tables" / "match", "part-*.parquet"):
            assert build.poll() is None, "the build ended before it was disturbed"
            assert time.monotonic() < deadline, "no scenes were committed"
            time.sleep(0.2)
        for worker in psutil.Process(build.pid).children(recursive=True):
            worker.suspend()  # so that it is still building, and lives, for as long as the test looks at it
        yield out, build
    finally:
        if build.poll() is None:
            os.killpg(build.pid, signal.SIGKILL)
        build.wait()


def test_a_build_in_a_bucket_is_that_on_a_disk(
    noldo: Noldo,
    noldo_here: Noldo,
    small_run: tuple[Path, Any],
    small_recipe: Path,
    building: tuple[AnyPath, "subprocess.Popen[bytes]"],
    small_planet_url: str,
) -> None:
    _, on_disk = small_run
    url = f"source.url={small_planet_url}"
    out, first = building
    second = noldo("build", small_recipe, "--out", out, "--workers", 1)
    assert second.status == 2, second.err
    assert f"noldo: another build is running in {out} (process {first.pid} on " in second.err
    assert first.poll() is None

    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    resumed = noldo("build", small_recipe, "--out", out, "--workers", 2, "--json", "--set", url)
    assert resumed.status == 0, resumed.err
    assert "taking over from a build that is gone" in resumed.err
    assert resumed.json["content_digest"] == on_disk.json["content_digest"]
    assert resumed.json["funnel"] == on_disk.json["funnel"]
    assert resumed.json["store_bytes"] == on_disk.json["store_bytes"]
    assert resumed.json["tallies"]["match"]["parts_reused"] >= 1

    before = file_sizes(out)
    assert not [name for name in before if ".tmp-" in name or ".lock" in name or ".building" in name]
    assert {"recipe.yaml", "report.html", "manifest/index.parquet"} <= set(before)
    assert {event["stage"] for event in read_events(out / "events.jsonl") if event["event"] == "attempt"} >= {"export"}

    again = noldo("build", small_recipe, "--out", out, "--json", "--set", url)
    assert again.status == 0, again.err
    assert not again.json["worked"]
    assert {k: v for k, v in file_sizes(out).items() if not k.startswith("events/")} == {
        k: v for k, v in before.items() if not k.startswith("events/")
    }
    read_back = noldo_here("manifest", "digest", out, "--json")
    assert read_back.json["dataset"] == on_disk.json["content_digest"]


@pytest.mark.parametrize(
    ("change", "out", "message"),
    [
        ({}, "s3://nowhere-at-all/run", "The specified bucket does not exist"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "s3://bucket/run", "Could not connect to the endpoint URL"),
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "s3://bucket/run", "Unable to locate credentials"),
    ],
    ids=["no such bucket", "no such host", "no credentials"],
)
def test_a_bucket_that_cannot_be_had_is_told_in_one_line(
    noldo: Noldo,
    small_recipe: Path,
    object_storage: str,
    tmp_path: Path,
    change: dict[str, str | None],
    out: str,
    message: str,
) -> None:
    env = {**os.environ, "AWS_CONFIG_FILE": str(tmp_path), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none")}
    for name, value in change.items():
        env.pop(name, None)
        if value is not None:
            env[name] = value
    ended = noldo("build", small_recipe, "--out", out, env=env)
    assert ended.status == 2
    (line,) = ended.err.strip().splitlines()
    assert line.startswith(f"noldo: cannot write to {out}: ")
    assert message in line


@pytest.mark.parametrize("out", ["ftp://host/run", "s3://"])
def test_what_is_no_place_for_a_run_is_refused(noldo_here: Noldo, small_recipe: Path, out: str) -> None:
    ended = noldo_here("build", small_recipe, "--out", out)
    assert ended.status == 2
    assert len(ended.err.strip().splitlines()) == 1
