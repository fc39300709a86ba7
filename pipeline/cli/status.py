"""`noldo status`: how a run stands, while it runs or afterwards."""

import fcntl
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pipeline.cli.directory import RUN_DIRECTORY
from pipeline.cli.output import JSON_HELP, show
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath

if TYPE_CHECKING:
    from pipeline.status_lines import RunAbout

WATCH_S: Final = 5.0
"""How often --watch looks again, seconds; longer where reading takes long."""

SILENT_S: Final = 600.0
"""In object storage a build without an event for so long is taken to be gone, though its lock is there."""


@click.command()
@click.argument("directory", type=RUN_DIRECTORY)
@click.option("--watch", is_flag=True, help="Look again every few seconds until the build ends.")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def status(directory: AnyPath, watch: bool, as_json: bool) -> None:
    """Tell how the run in DIRECTORY stands: stages, funnel, rate, requests, failures, compute.

    Example:  noldo status runs/demo --watch
    """
    run = RunLayout(directory)
    while True:
        began = time.monotonic()
        lines, plain = _look(run, str(directory))
        if watch and not as_json:
            click.clear()
        show(lines, plain, as_json=as_json)
        if not watch or not plain["running"]:
            return
        time.sleep(max(WATCH_S, 4 * (time.monotonic() - began)))


def _look(run: RunLayout, named: str) -> tuple[list[str], dict[str, Any]]:
    from pipeline.budget import S_PER_HOUR
    from pipeline.event_log import read_events
    from pipeline.status import read_status
    from pipeline.status_lines import status_lines

    if not run.recipe.is_file():
        raise UsageError(f"{named} holds no run; name the folder that was given to 'noldo build RECIPE --out DIR'")
    found = read_status(read_events(run.events))
    about = _about(run, named, found.last_event)
    plain = {
        "directory": named,
        "recipe": about.recipe,
        "running": about.running,
        **asdict(found),
        "stages": [{**asdict(stage), "eta_s": stage.eta_s} for stage in found.stages],
        "eta_s": found.eta_s if about.running else None,
        "compute": {
            "spent_eecu_hours": found.spent_eecu_s(about.budget) / S_PER_HOUR,
            "limit_eecu_hours": about.budget.eecu_hours,
            "assumed": about.budget.model_dump(exclude={"eecu_hours"}),
        },
    }
    return status_lines(found, about), plain


def _about(run: RunLayout, named: str, last_event: str | None) -> "RunAbout":
    import yaml

    from pipeline.budget import BudgetSettings
    from pipeline.files import is_local
    from pipeline.schema.strict import validated
    from pipeline.status_lines import RunAbout

    try:
        plain = yaml.safe_load(run.recipe.read_text())
        words, unit = _recipe_words(plain)
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise UsageError(f"{run.recipe} cannot be read ({error}); run the build again to write it anew") from error
    budget = validated(BudgetSettings, plain.get("budget") or {}, where=str(run.recipe))
    running = _is_held(run.root) if is_local(run.root) else _seems_held(run.root, last_event)
    return RunAbout(named, words, running, budget, unit, run.index.exists())


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
    """In object storage: whether there is a lock, and events that are not old."""
    from datetime import UTC, datetime

    if last_event is None or not (folder / ".lock").exists():
        return False
    return (datetime.now(UTC) - datetime.fromisoformat(last_event)).total_seconds() < SILENT_S
