"""What the live view tells of a run besides its events: its recipe in a few words, and whether a build holds it."""

import fcntl
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from pipeline.budget import BudgetSettings
from pipeline.files import is_local
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath
from pipeline.schema.strict import validated
from pipeline.status_lines import SILENT_S, RunAbout


def read_recipe(run: RunLayout) -> Mapping[str, Any]:
    """The run's recipe as plain data; UsageError where it cannot be read."""
    try:
        plain = yaml.safe_load(run.recipe.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise _unreadable(run, error) from error
    if not isinstance(plain, dict):
        raise _unreadable(run, "it is no list of keys and values")
    return plain


def run_about(run: RunLayout, named: str, recipe: Mapping[str, Any], *, running: bool) -> RunAbout:
    """What is known of a run that the user calls `named`; UsageError where its recipe is none."""
    try:
        words, unit = _recipe_words(recipe)
    except (KeyError, TypeError) as error:
        raise _unreadable(run, error) from error
    budget = validated(BudgetSettings, recipe.get("budget") or {}, where=str(run.recipe))
    return RunAbout(named, words, running, budget, unit, run.index.exists())


def is_running(run: RunLayout, last_event: str | None) -> bool:
    """Whether a build holds the run; in object storage, whether there is a lock and an event that is not old."""
    return _is_held(run.root) if is_local(run.root) else _seems_held(run.root, last_event)


def _unreadable(run: RunLayout, why: object) -> UsageError:
    return UsageError(f"{run.recipe} cannot be read ({why}); run the build again to write it anew")


def _recipe_words(recipe: Mapping[str, Any]) -> tuple[str, str]:
    """A recipe in a few words, and what its stages count; KeyError or TypeError where it is none."""
    source = f", source {recipe['source']['kind']}" if recipe.get("source") else ""
    if recipe.get("kind") == "import":
        return f"import of '{recipe['name']}'{source}", "locations"
    if recipe.get("kind") is not None:
        return f"recipe '{recipe['name']}' of kind {recipe['kind']}{source}", "tiles"
    sample = recipe["sample"]
    places = f"the list {sample['from']}" if sample.get("from") else f"{sample.get('count') or 'all'} places"
    return f"recipe '{recipe['name']}', {places}{source}", "locations"


def _is_held(folder: Path) -> bool:
    """Whether a build holds the folder; the system lets go of its lock when it dies."""
    try:
        with (folder / ".lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _seems_held(folder: AnyPath, last_event: str | None) -> bool:
    if last_event is None or not (folder / ".lock").exists():
        return False
    return (datetime.now(UTC) - datetime.fromisoformat(last_event)).total_seconds() < SILENT_S
