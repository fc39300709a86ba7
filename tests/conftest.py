"""What every test may use: the command as a user runs it, a small recipe, its planet and a build of it."""

import dataclasses
import fcntl
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from moto.server import ThreadedMotoServer
from numpy.typing import NDArray
from shapely import Polygon
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from pipeline import flow, tile_flow
from pipeline.cli import main
from pipeline.emulator.experts import write_experts
from pipeline.emulator.planet_spec import PlanetSpec
from pipeline.emulator.scene import BandBlock, EmulatedScene, TrueWorld
from pipeline.emulator.server import EmulatorServer
from pipeline.files import open_path
from pipeline.ledger import Ledger
from pipeline.recipe import load_recipe, read_yaml
from pipeline.run_directory import claimed, claimed_run
from pipeline.schema.errors import FailureKind
from pipeline.schema.grid import PixelGrid
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import Attempt
from pipeline.schema.strict import validated
from pipeline.sources.earthengine import emulator_spec
from pipeline.sources.pace import BoundLink, own_link
from pipeline.tasks.job import Job
from pipeline.tasks.tile_job import TileJob
from pipeline.tile_recipe import DwRecipe
from pipeline.tile_state import index_tiles

SHARED_FOLDERS = ("tests/pipeline/importers/", "tests/training/analysis/")
"""Folders whose files share a fixture that takes many seconds to make."""

SMALL_PLANET = PlanetSpec(7)

SMALL_RECIPE = """
sample: {count: 7, seed: 1}
source: {kind: emulator, seed: 7}
store: {shard_rows: 2}
part_locations: 3
release: {date: 2026-01-02}
"""
"""Three parts and three shards, of both the last is not full; a location lacks a season, another has bad labels."""


DW_RECIPE = """
kind: dw
experts: {{folder: {folder}}}
source: {{kind: emulator, seed: 7}}
store: {{shard_rows: 3}}
part_tiles: 3
release: {{date: 2026-01-02}}
"""


class ByFile(LoadFileScheduling):
    """Deals tests out by file, so that what a file's tests share is made once; by folder where the files share it.

    Not by marks: `--dist loadgroup` does not see them with pytest 9.2 (pytest-xdist's issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        shared = (folder for folder in SHARED_FOLDERS if nodeid.startswith(folder))
        return next(shared, super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """In order of their names, not the file of the most tests first: the slowest files have the fewest."""
    config.option.loadscopereorder = False
    return ByFile(config, log)


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


@pytest.fixture
def noldo_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Noldo:
    """As `noldo`, but in this process, which saves the imports: for what ends before anything else is started."""

    def run(*arguments: object, cwd: Path | None = None) -> Ended:
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.chdir(cwd or Path.cwd())
            patch.setenv("OMP_WAIT_POLICY", "PASSIVE")
            patch.setattr(sys, "argv", ["noldo", *map(str, arguments)])
            patch.setattr(sys.modules[main.__module__], "end_as_by_ctrl_c", lambda: None)  # the signals are pytest's
            with pytest.raises(SystemExit) as ended:
                main()
        out, err = capsys.readouterr()
        return Ended(int(ended.value.code or 0), out, err)

    return run


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all of pytest's processes share; lock what is made in it."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def small_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe of a few locations on the emulator, without pretraining."""
    path = tmp_path_factory.mktemp("recipe") / "small.yaml"
    path.write_text(SMALL_RECIPE)
    return path


@pytest.fixture(scope="session")
def small_run(noldo: Noldo, small_recipe: Path, shared_folder: Path) -> tuple[Path, Ended]:
    """An undisturbed build of the small recipe, made once for all of pytest's processes: change nothing in it."""
    out, told = shared_folder / "small-run", shared_folder / "small-run.json"
    with (shared_folder / "small-run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            ended = noldo("build", small_recipe, "--out", out, "--workers", 2, "--json")
            assert ended.status == 0, ended.err
            told.write_text(json.dumps(dataclasses.asdict(ended)))
    return out, Ended(**json.loads(told.read_text()))


class Remembering:
    """A world that computes every pixel once."""

    def __init__(self, world: TrueWorld) -> None:
        self._world = world
        self._read: dict[Any, dict[str, BandBlock]] = {}

    def search(self, collection: str, region: Polygon, start: datetime, end: datetime) -> list[EmulatedScene]:
        """As in World."""
        return self._world.search(collection, region, start, end)

    def scene(self, asset_id: str) -> EmulatedScene | None:
        """As in World."""
        return self._world.scene(asset_id)

    def read(self, scene: EmulatedScene, bands: Sequence[str], window: PixelGrid) -> dict[str, BandBlock]:
        """As in World."""
        key = (scene.asset_id, tuple(bands), window)
        if key not in self._read:
            self._read[key] = self._world.read(scene, bands, window)
        return self._read[key]

    def truth(self, grid: PixelGrid, time: datetime) -> NDArray[Any]:
        """As in TrueWorld."""
        return self._world.truth(grid, time)


@pytest.fixture(scope="session")
def small_planet() -> Remembering:
    """The small recipe's planet."""
    return Remembering(SMALL_PLANET.world())


@pytest.fixture(scope="session")
def serve_small_planet(small_planet: Remembering) -> Callable[..., EmulatorServer]:
    """`serve_small_planet(**options of EmulatorServer)`: a context manager, with a url to build from."""

    def serve(**options: Any) -> EmulatorServer:
        return EmulatorServer(small_planet, identity=SMALL_PLANET.identity(), **options)

    return serve


@pytest.fixture(scope="session")
def small_planet_url(serve_small_planet: Callable[..., EmulatorServer]) -> Iterator[str]:
    """Where this process serves the small recipe's planet, undisturbed."""
    with serve_small_planet() as server:
        yield server.url


class InTurn:
    """Stands in for the Dask cluster: runs every chain here, one after another."""

    budget_spent = False

    def run(self, chains: Iterable[Any], on_attempt: Callable[[Any], None]) -> Iterator[Any]:
        """As Crew.run."""
        for chain in chains:
            result = chain.first
            for task in chain.tasks.values():
                result = task(result)
                yield result


@dataclass(frozen=True)
class KeptLink:
    """A link that keeps what is reported."""

    attempts: list[Attempt]

    def bind(self) -> BoundLink:
        """As in Link."""
        return own_link(self.attempts.append)


@pytest.fixture(scope="session")
def build_here(small_recipe: Path) -> Callable[..., tuple[Any, Ledger]]:
    """`build_here(out, url, *settings)`: a recipe's stages in this process; the funnel and the ledger."""

    def build(out: Path, url: str, *settings: str, recipe_file: Path = small_recipe) -> tuple[Any, Ledger]:
        recipe = load_recipe(recipe_file, settings)
        with claimed_run(out, recipe, remake=False) as run:
            attempts: list[Attempt] = []
            job = Job(run, recipe, emulator_spec(url), None, link=KeptLink(attempts))
            ledger = Ledger(run.events, lambda _: None)
            with ledger.run(recipe=recipe.name):
                funnel = flow.build(job, cast(Any, InTurn()), ledger)
            for attempt in attempts:
                ledger.record_attempt(attempt)
            return funnel, ledger

    return build


@pytest.fixture(scope="session")
def expert_tiles(shared_folder: Path) -> Path:
    """Six training and two hold-out tiles of the small planet, in the published layouts: change nothing in them."""
    folder = shared_folder / "experts"
    with (shared_folder / "experts.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            write_experts(folder, SMALL_PLANET.seed, train=6, test=2)
    return folder


@pytest.fixture(scope="session")
def dw_recipe(expert_tiles: Path, shared_folder: Path) -> Path:
    """A recipe of kind dw for these tiles: three parts, and three shards in two stores."""
    path = shared_folder / f"dw-{os.getpid()}.yaml"
    path.write_text(DW_RECIPE.format(folder=expert_tiles))
    return path


@pytest.fixture(scope="session")
def build_dw_here(dw_recipe: Path) -> Callable[..., tuple[Any, Ledger]]:
    """`build_dw_here(out, url, *settings)`: that recipe's stages in this process; the funnel and the ledger."""

    def build(
        out: Path, url: str, *settings: str, until: str = "manifest", retry: Collection[FailureKind] = ()
    ) -> tuple[Any, Ledger]:
        recipe = validated(DwRecipe, read_yaml(dw_recipe, settings), where="dw.yaml")
        indexed = index_tiles(recipe.experts)
        with claimed(out, tile_flow.claim_for(recipe, indexed), remake=False) as run:
            attempts: list[Attempt] = []
            job = TileJob(run, recipe, emulator_spec(url), KeptLink(attempts), frozenset(retry))
            ledger = Ledger(run.events, lambda _: None)
            try:
                with ledger.run(recipe=recipe.name):
                    funnel = tile_flow.build_tiles(job, indexed, cast(Any, InTurn()), ledger, until)
            finally:
                for attempt in attempts:
                    ledger.record_attempt(attempt)
            return funnel, ledger

    return build


@pytest.fixture(scope="session")
def dw_run(shared_folder: Path, build_dw_here: Callable[..., Any], small_planet_url: str) -> Path:
    """An undisturbed build from the expert tiles, made once for all of pytest's processes: change nothing in it."""
    out, done = shared_folder / "dw-run", shared_folder / "dw-run.done"
    with (shared_folder / "dw-run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            build_dw_here(out, small_planet_url)
            done.touch()
    return out


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


BROWSER_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--hide-scrollbars", "--enable-logging=stderr", "--v=0", "--host-resolver-rules=MAP * ~NOTFOUND",
    "--virtual-time-budget=3000",
)  # fmt: skip


def _browse(page: Path, *options: str, query: str = "") -> tuple[str, list[str]]:
    """Open a page; its DOM after the scripts have run (with --dump-dom), and the lines of its console."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.fail("no 'chromium' on the PATH: run `make browser`")
    profile = page.parent / "profile"
    command = [browser, *BROWSER_OPTIONS, f"--user-data-dir={profile}", *options, f"file://{page}{query}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=90)
    finally:
        shutil.rmtree(profile, ignore_errors=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture(scope="session")
def browse() -> Callable[..., tuple[str, list[str]]]:
    """`browse(page, *options, query="")`: the page in headless Chromium; its DOM, and the lines of its console."""
    return _browse
