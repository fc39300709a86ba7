"""One run, looked at again and again: what `noldo status` shows. Loads nothing heavy."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from pipeline.budget import S_PER_HOUR
from pipeline.event_log import EventTail
from pipeline.live.about import is_running, read_recipe, run_about
from pipeline.live.training import read_training
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import RunLayout
from pipeline.status import TRAINING, RunStatus, StageStatus, StatusReader
from pipeline.status_lines import RunAbout, short_line, status_lines


class Look:
    """How a run stands; after `again`, how it stands then. Each look reads only what was written since the last."""

    def __init__(self, run: RunLayout, named: str) -> None:
        """`named` is what the user calls the run's folder; UsageError where it holds none."""
        if not run.recipe.is_file():
            raise UsageError(f"{named} holds no run; name the folder that was given to 'noldo build RECIPE --out DIR'")
        self._run, self._named = run, named
        self._tail, self._reader = EventTail(run.events), StatusReader()
        self.status: RunStatus
        self.about: RunAbout
        self.again()

    def again(self) -> None:
        """Look once more; UsageError where the recipe cannot be read."""
        self._read()
        running = is_running(self._run, self._reader.last_event)
        if not running:
            self._read()  # what the build wrote between that reading and its end
        found = self._reader.status(datetime.now(UTC))
        self.status = replace(found, stages=(*found.stages, *_training(self._run, found)))
        self.about = run_about(self._run, self._named, read_recipe(self._run), running=running)

    def _read(self) -> None:
        for event in self._tail.new():
            self._reader.take(event)

    @property
    def running(self) -> bool:
        """Whether a build holds the run."""
        return self.about.running

    def lines(self) -> list[str]:
        """The whole screen."""
        page = ["", f"Page       {self._run.live}"] if self.running and self._run.live.exists() else []
        return [*status_lines(self.status, self.about), *page]

    def line(self) -> str:
        """The same in a line."""
        return short_line(self.status, self.about)

    def plain(self) -> dict[str, Any]:
        """The same as plain data."""
        found, about = self.status, self.about
        return {
            "directory": self._named,
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


def _training(run: RunLayout, found: RunStatus) -> Iterator[StageStatus]:
    """The pretraining as one more stage, in epochs: it writes no events."""
    training = read_training(run, since=found.started)
    if training is not None:
        yield StageStatus(TRAINING, training.epoch, training.epochs, None)
