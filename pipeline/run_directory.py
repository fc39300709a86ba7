"""A build's directory: claimed by one build at a time, for one recipe, without leftovers."""

import fcntl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

import yaml

from pipeline.commit import remove_folder
from pipeline.files import is_local, listed, remove, write_bytes
from pipeline.freed import anything_freed
from pipeline.object_lock import Tell, object_lock
from pipeline.parts import part_inputs
from pipeline.recipe import Recipe, canonical_digest
from pipeline.run_state import is_made_from, list_digest, sample_inputs
from pipeline.sample import FILE_KEYS
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath

HOW_NOT_WHAT = (
    *(f"sample.{key}" for key in FILE_KEYS),  # their content counts, which the first part of the sample knows
    "source.project",
    "source.url",
    "source.faults",
    "source.latency_s",
    "source.workload_tag",
    "source.pace",
    "export.concurrency",
    "export.request_bands",
    "export.max_failed_share",
    "budget",
    "store.staging",
    "pretrain",
)
"""Keys that may change between runs of one build: they decide how it runs, not what comes out."""

LOOK_S: Final = 0.3
"""Long enough for whoever only looks whether a build holds the folder (`noldo status`) to have looked."""

RELEASE: Final = "release"
"""Section of any recipe that says what the release is called: it may change between runs."""

LEFTOVERS = (
    "recipe.yaml.tmp-*",
    "manifest.tmp-*",
    ".manifest.*.tmp-*",
    "report.html.tmp-*",
    "live.html.tmp-*",
    "tables/*/*.tmp-*",
    "tiles/*.tmp-*",
    "tiles/.*.tmp-*",
    "tiles/*/*.tmp-*",
    "tiles/*/*/*.tmp-*",
    "store/*.tmp-*",
    "store/.*.tmp-*",
    "diagnostics/*.tmp-*",
    "maps/*/*.tmp-*",
)
"""What a killed build may leave under a temporary name on a disk; in object storage there are none."""


def _silent(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Claim:
    """What a run directory is claimed for."""

    recipe: Mapping[str, Any]
    """As plain data, defaults filled in."""
    stage: str
    """The build's first stage, whose first part tells what the directory holds."""
    inputs: str
    """The inputs digest of that part."""
    files: str
    """Key of the recipe that names files whose content counts."""
    free_keys: tuple[str, ...] = HOW_NOT_WHAT
    """Keys, or the beginnings of keys, that may change between runs of one build."""


@contextmanager
def claimed_run(out: AnyPath, recipe: Recipe, *, remake: bool, tell: Tell = _silent) -> Iterator[RunLayout]:
    """Create or re-enter `out` for this recipe and hold it, as `claimed` does."""
    first = canonical_digest([sample_inputs(recipe, list_digest(recipe)), 0])
    claim = Claim(recipe.canonical(), "sample", first, "sample")
    with claimed(out, claim, remake=remake, tell=tell) as run:
        yield run


@contextmanager
def claimed(out: AnyPath, claim: Claim, *, remake: bool, tell: Tell = _silent) -> Iterator[RunLayout]:
    """Create or re-enter `out` for what is claimed and hold it; leftovers of a killed build are removed.

    Raises UsageError where it cannot be written to, another build holds it, or it holds another recipe's build and
    `remake` is not set. `tell` hears why it takes long.
    """
    run = RunLayout(out)
    with held(out, tell):
        known = run.recipe.exists()
        _settle_recipe(run, claim, remake=remake)
        foreign = frozenset(_leftovers(out) if not known and is_local(out) else ())
        if is_local(out):
            _remove_leftovers(out, foreign)
        yield run
        if is_local(out):
            _remove_leftovers(out, foreign)  # of workers that were killed while others went on


def held(out: AnyPath, tell: Tell = _silent) -> AbstractContextManager[None]:
    """Hold a run directory so that no other build works in it; UsageError where one does."""
    return _file_lock(out) if is_local(out) else object_lock(out, tell)


@contextmanager
def _file_lock(out: Path) -> Iterator[None]:
    """Hold a folder on a disk, which the system lets go of when the process dies."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = (out / ".lock").open("w")
    except OSError as error:
        raise UsageError(f"cannot write to {out}: {error.strerror}; choose another --out") from error
    with lock:
        latest = time.monotonic() + LOOK_S
        while not _locks(lock):
            if time.monotonic() > latest:
                raise UsageError(f"another build is running in {out}; wait for it or choose another --out")
            time.sleep(LOOK_S / 10)
        yield


def _locks(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise UsageError(f"cannot lock {lock.name}: {error.strerror}; choose --out on another disk") from error
    return True


def changed_keys(before: Any, after: Any, prefix: str = "") -> list[str]:
    """Dotted keys whose values differ between two recipes as plain data."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = sorted(before.keys() | after.keys())
        return [c for k in keys for c in changed_keys(before.get(k), after.get(k), f"{prefix}.{k}" if prefix else k)]
    return [] if before == after else [prefix]


def _settle_recipe(run: RunLayout, claim: Claim, *, remake: bool) -> None:
    new = dict(claim.recipe)
    old = yaml.safe_load(run.recipe.read_text()) if run.recipe.exists() else None
    if isinstance(old, dict) and old.get("kind") != new.get("kind") and (run.root / "tables").is_dir():
        raise UsageError(f"{run.root} holds a build of another kind of recipe; choose another --out")
    if old is not None and run.table(claim.stage, 0).exists():
        changed = [k for k in changed_keys(old, new) if not k.startswith((*claim.free_keys, RELEASE))]
        first = part_inputs(run.table(claim.stage, 0))
        if not changed and first is not None and not is_made_from(first, claim.inputs):
            changed = [f"the content of a file that '{claim.files}' names"]
        if changed and not remake:
            raw = "; freed raw pixels are then fetched again" if anything_freed(run) else ""
            raise UsageError(
                f"{run.root} holds a build of another recipe: {', '.join(changed[:4])} changed. "
                f"Choose another --out, or add --remake to make what depends on it again{raw}"
            )
    if RELEASE not in new and isinstance(old, dict) and RELEASE in old:
        new[RELEASE] = old[RELEASE]  # a recipe that does not speak of it leaves what the run is called
    write_bytes(run.recipe, yaml.safe_dump(new, sort_keys=False).encode())


def _leftovers(out: Path) -> Iterator[Path]:
    for pattern in LEFTOVERS:
        yield from out.glob(pattern)
    for marker in out.glob("store/.*.building.inputs"):
        if not marker.with_name(marker.name.removeprefix(".").removesuffix(".inputs")).is_dir():
            yield marker  # of a store that got its name just before the build was killed


def _remove_leftovers(out: Path, foreign: frozenset[Path]) -> None:
    """Remove what builds left; `foreign` files lay there before the folder held a run."""
    for left in set(_leftovers(out)) - foreign:
        remove(left)


def prune_parts(run: RunLayout, stages: Iterable[str], parts: int) -> None:
    """Remove what an earlier, larger build left of these stages beyond `parts`; no reader may count it."""
    tables = [path for stage in stages for path in listed(run.table(stage, 0).parent, "part-*.parquet")]
    for path in tables:
        if _part(path) >= parts:
            remove(path)
    for path in listed(run.tile(0).parent, "part-*.zarr") if "export" in stages else ():
        if _part(path) >= parts:
            remove_folder(path)


def prune_stores(run: RunLayout, keep: Iterable[str]) -> None:
    """Remove the stores, finished or begun, of an earlier build of other splits or another name; `keep` are the names.

    What a run holds is told by what is in its folder of stores. They go only once those to keep are finished.
    """
    kept = {run.store(name).name for name in keep}
    for path in (*listed(run.store("nol").parent, "*.zarr"), *listed(run.store("nol").parent, "*.zarr.building")):
        store = path.with_name(path.name.removesuffix(".building"))
        if store.name not in kept:
            remove_folder(store)


def _part(path: AnyPath) -> int:
    return int(path.stem.removeprefix("part-"))
