"""What every test may use: the command as a user runs it, and a small recipe."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from pipeline.files import open_path
from pipeline.schema.paths import AnyPath

SMALL_RECIPE = """
sample: {count: 12, seed: 1}
source: {kind: emulator, seed: 7}
store: {shard_rows: 2}
part_locations: 4
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Its standard output, one JSON object."""
        plain: dict[str, Any] = json.loads(self.out)
        return plain


Noldo = Callable[..., Ended]


def environment() -> dict[str, str]:
    """The environment of a child: nothing of it may leave this machine."""
    refusing = "http://127.0.0.1:9"
    return {
        **os.environ,
        "http_proxy": refusing,
        "https_proxy": refusing,
        "no_proxy": "127.0.0.1,localhost",
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture(scope="session")
def noldo() -> Noldo:
    """Run `noldo ARGUMENTS...` to its end."""

    def run(*arguments: object, cwd: Path | None = None, env: dict[str, str] | None = None) -> Ended:
        command = [str(Path(sys.executable).parent / "noldo"), *map(str, arguments)]
        done = subprocess.run(
            command, cwd=cwd, env=env or environment(), capture_output=True, text=True, timeout=280, check=False
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def small_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe of a dozen locations on the emulator, without pretraining."""
    path = tmp_path_factory.mktemp("recipe") / "small.yaml"
    path.write_text(SMALL_RECIPE)
    return path


@pytest.fixture(scope="session")
def small_run(noldo: Noldo, small_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """An undisturbed build of the small recipe; its users share an xdist_group, so that few workers build it."""
    out = tmp_path_factory.mktemp("small") / "run"
    ended = noldo("build", small_recipe, "--out", out, "--workers", 2, "--json")
    assert ended.status == 0, ended.err
    return out, ended


@pytest.fixture(scope="session")
def object_storage() -> Iterator[str]:
    """The end point of an S3 service on this machine, for this process and its children."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        yield settings["AWS_ENDPOINT_URL"]
    server.stop()


@pytest.fixture
def bucket(object_storage: str) -> Callable[[], AnyPath]:
    """Make an empty bucket of a name never used before; returns a folder in it."""

    def make() -> AnyPath:
        name = f"bucket-{uuid.uuid4().hex[:12]}"
        boto3.client("s3", endpoint_url=object_storage).create_bucket(Bucket=name)
        return open_path(f"s3://{name}/runs/one")

    return make
