"""Disks that are full, locked or rotten: a plain line, nothing lost, and the next run goes on to the same data."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.manifest.checksums import verify_checksums
from pipeline.manifest.digest import digest_run
from pipeline.schema.errors import NoldoError
from pipeline.schema.layout import RunLayout

Noldo = Callable[..., Any]
"""Runs `noldo ARGUMENTS...` to its end, see tests/conftest.py."""

SameAs = Callable[[Path, Path], None]


class Disk:
    """A file system of its own, in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mount(self, options: str) -> None:
        """Mount it, or mount it anew with other options."""
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)], capture_output=True, check=False
        )
        if done.returncode != 0:
            pytest.skip(f"no file system can be mounted here: {done.stderr.decode().strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    yield Disk(folder)
    while folder.is_mount():
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def plain(said: str) -> str:
    """The last line of standard error, which is the program's."""
    assert "Traceback" not in said, said
    last = said.rstrip().splitlines()[-1]
    assert last.startswith("noldo: "), said
    return last


def test_a_full_disk_is_told_and_the_next_run_goes_on(
    noldo: Noldo,
    small_run: tuple[Path, Any],
    small_recipe: Path,
    disk: Disk,
    small_planet_url: str,
    build_here: Any,
    same_as: SameAs,
) -> None:
    reference, ended = small_run
    disk.mount("size=16m")  # a third of the raw pixels
    run = disk.folder / "run"
    full = noldo("build", small_recipe, "--out", run, "--set", f"source.url={small_planet_url}")
    assert full.status == 1
    assert "No space left on device" in plain(full.err)
    assert str(disk.folder) in plain(full.err)
    disk.mount("remount,size=1g")
    _, ledger = build_here(run, small_planet_url)
    assert ledger.tallies["match"].parts_reused >= 1
    same_as(run, reference)
    assert digest_run(RunLayout(run)).dataset == ended.json["content_digest"]


@pytest.mark.parametrize("lost", ["tiles", "store", "manifest"])
def test_a_disk_that_is_full_at_any_stage(
    lost: str,
    small_run: tuple[Path, Any],
    disk: Disk,
    small_planet_url: str,
    build_here: Callable[..., Any],
    same_as: SameAs,
) -> None:
    reference, ended = small_run
    disk.mount("size=1g")
    run = disk.folder / "run"
    shutil.copytree(reference, run)
    shutil.rmtree(run / lost)
    disk.mount(f"remount,size={shutil.disk_usage(disk.folder).used + 2**14}")
    with pytest.raises((NoldoError, OSError), match="No space left on device"):
        build_here(run, small_planet_url)
    disk.mount("remount,size=1g")
    build_here(run, small_planet_url)
    same_as(run, reference)
    assert digest_run(RunLayout(run)).dataset == ended.json["content_digest"]


def test_a_read_only_folder_is_told_and_the_next_run_goes_on(
    noldo_here: Noldo,
    small_run: tuple[Path, Any],
    small_recipe: Path,
    disk: Disk,
    small_planet_url: str,
    build_here: Any,
    same_as: SameAs,
) -> None:
    reference, _ = small_run
    disk.mount("size=1g")
    run = disk.folder / "run"
    shutil.copytree(reference, run)
    shutil.rmtree(run / "store")
    disk.mount("remount,ro")
    refused = noldo_here("build", small_recipe, "--out", run)
    assert refused.status == 2
    assert f"cannot write to {run}: Read-only file system" in plain(refused.err)
    disk.mount("remount,rw")
    build_here(run, small_planet_url)
    same_as(run, reference)


def spoil(path: Path) -> None:
    """Change a few bytes in the middle of a file."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8] = bytes(255 - byte for byte in content[middle : middle + 8])
    path.write_bytes(content)


def cut(path: Path) -> None:
    """Leave the first half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("damage", [spoil, cut])
@pytest.mark.parametrize(
    "path",
    [
        "tables/sample/part-00001.parquet",
        "tables/match/part-00001.parquet",
        "tables/seasons/part-00001.parquet",
        "tables/export/part-00001.parquet",
        "tables/quality/part-00001.parquet",
        "tables/pack/part-00001.parquet",
        "tiles/part-00001.zarr/s2/c.1.0.0.0.0",
        "tiles/part-00001.zarr/dw/c.1.0.0.0",
        "tiles/part-00001.zarr/zarr.json",
        "store/.nol.zarr.inputs",
        ".manifest.inputs",
    ],
)
def test_what_is_damaged_is_made_again(
    path: str,
    damage: Callable[[Path], None],
    small_run: tuple[Path, Any],
    tmp_path: Path,
    small_planet_url: str,
    build_here: Callable[..., Any],
    same_as: SameAs,
) -> None:
    reference, ended = small_run
    run = tmp_path / "run"
    shutil.copytree(reference, run)
    damage(run / path)
    shutil.rmtree(run / "manifest")
    if path.startswith("tiles"):
        shutil.rmtree(run / "tables" / "quality")
        shutil.rmtree(run / "store")
    build_here(run, small_planet_url)
    same_as(run, reference)
    assert digest_run(RunLayout(run)).dataset == ended.json["content_digest"]


@pytest.mark.parametrize("damage", [spoil, cut])
def test_a_damaged_shard_of_a_finished_store_is_found_and_made_again(
    damage: Callable[[Path], None],
    noldo_here: Noldo,
    small_run: tuple[Path, Any],
    tmp_path: Path,
    small_planet_url: str,
    build_here: Callable[..., Any],
    same_as: SameAs,
) -> None:
    reference, ended = small_run
    run = tmp_path / "run"
    shutil.copytree(reference, run)
    shard = run / "store" / "nol.zarr" / "s2" / "c" / "1" / "0" / "0" / "0" / "0"
    damage(shard)
    assert verify_checksums(RunLayout(run)).changed == (str(shard.relative_to(run)),)
    refused = noldo_here("manifest", "digest", run)
    assert refused.status == 1
    assert "delete" in plain(refused.err)
    shard.unlink()
    build_here(run, small_planet_url)
    same_as(run, reference)
    assert digest_run(RunLayout(run)).dataset == ended.json["content_digest"]


def test_another_recipe_over_an_old_run_is_refused_and_nothing_is_touched(
    noldo: Noldo, noldo_here: Noldo, small_run: tuple[Path, Any], small_recipe: Path, tmp_path: Path
) -> None:
    reference, ended = small_run
    run = tmp_path / "run"
    shutil.copytree(reference, run)
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file() and path.name != ".lock"}
    refused = noldo_here("build", small_recipe, "--out", run, "--set", "sample.seed=2")
    assert refused.status == 2
    assert "sample.seed changed" in plain(refused.err)
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file() and p.name != ".lock"} == before
    again = noldo("build", small_recipe, "--out", run, "--json")
    assert (again.status, again.json["parts_made"]) == (0, 0)
    assert again.json["content_digest"] == ended.json["content_digest"]
