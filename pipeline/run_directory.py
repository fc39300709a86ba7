"""A build's directory: claimed by one build at a time, for one recipe, without leftovers."""

import fcntl
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from pipeline.recipe import Recipe
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import RunLayout

HOW_NOT_WHAT = (
    "source.project",
    "source.url",
    "source.faults",
    "source.latency_s",
    "source.workload_tag",
    "export.concurrency",
    "pretrain",
)
"""Keys that may change between runs of one build: they decide how it runs, not what comes out."""

LEFTOVERS = (
    "recipe.tmp-*",
    "manifest.tmp-*",
    "report.html.tmp-*",
    "tables/*/*.tmp-*",
    "tiles/*.tmp-*",
    "store/*.tmp-*",
    "store/.*.tmp-*",
    "diagnostics/*.tmp-*",
)
"""What a killed build may leave under a temporary name."""


@contextmanager
def claimed_run(out: Path, recipe: Recipe, *, remake: bool) -> Iterator[RunLayout]:
    """Create or re-enter `out` for this recipe and hold it; leftovers of a killed build are removed.

    Raises UsageError where the folder cannot be written, another build holds it, or it holds another recipe's
    build and `remake` is not set.
    """
    run = RunLayout(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = (out / ".lock").open("w")
    except OSError as error:
        raise UsageError(f"cannot write to {out}: {error.strerror}; choose another --out") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(f"another build is running in {out}; wait for it or choose another --out") from error
        known = run.recipe.exists()
        _settle_recipe(run, recipe, remake=remake)
        if known:
            _remove_leftovers(out)
        yield run


def changed_keys(before: Any, after: Any, prefix: str = "") -> list[str]:
    """Dotted keys whose values differ between two recipes as plain data."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = sorted(before.keys() | after.keys())
        return [c for k in keys for c in changed_keys(before.get(k), after.get(k), f"{prefix}.{k}" if prefix else k)]
    return [] if before == after else [prefix]


def _settle_recipe(run: RunLayout, recipe: Recipe, *, remake: bool) -> None:
    new = recipe.canonical()
    if run.recipe.exists() and run.table("sample", 0).exists():
        old = yaml.safe_load(run.recipe.read_text())
        changed = [k for k in changed_keys(old, new) if not k.startswith(HOW_NOT_WHAT)]
        if changed and not remake:
            raise UsageError(
                f"{run.root} holds a build of another recipe: {', '.join(changed[:4])} changed. "
                f"Choose another --out, or add --remake to make what depends on it again"
            )
    temporary = run.recipe.with_name("recipe.tmp-yaml")
    temporary.write_text(yaml.safe_dump(new, sort_keys=False))
    temporary.replace(run.recipe)


def _remove_leftovers(out: Path) -> None:
    for left in (found for pattern in LEFTOVERS for found in out.glob(pattern)):
        _remove(left)


def prune_parts(run: RunLayout, stages: Iterable[str], parts: int) -> None:
    """Remove what an earlier, larger build left of these stages beyond `parts`; no reader may count it."""
    stale = [path for stage in stages for path in run.table(stage, 0).parent.glob("part-*.parquet")]
    if "export" in stages:
        stale += run.tile(0).parent.glob("part-*.zarr")
    for path in stale:
        if int(path.stem.removeprefix("part-")) >= parts:
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
