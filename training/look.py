"""What is done between two steps now and then: read the losses, tell of the progress, save, stop when told to.

Reading a loss makes the host wait for the device, and processes for each other; so it is done every few steps.
"""

import math
import time
from collections.abc import Mapping
from typing import Any, NoReturn

from training.diverged import diverged
from training.event_files import EventFiles
from training.loss_sums import Totals
from training.progress import PretrainProgress
from training.run import Run
from training.run_state import RunState, save_state
from training.told_to_stop import StopRequest
from training.under_way import UnderWay

LOOK_EVERY = {"cuda": 20, "cpu": 1}
"""Steps from one look to the next, by the kind of device; a CPU has done each step by the time it returns."""

NO_LOSSES = ("epoch", "lr", "seconds", "locations_per_s", "data_wait_share")
"""What else a line of the log holds."""


class Look:
    """Looks at a run after each step, or each few.

    `steps`: in an epoch. `val_loss`: of the last epoch that ended, to be told.
    """

    def __init__(
        self, run: Run, state: RunState, request: StopRequest, events: EventFiles, *, steps: int, val_loss: float | None
    ) -> None:
        self._run = run
        self._steps = steps
        self._val_loss = val_loss
        self._state = state
        self._request = request
        self._events = events
        self._saved = time.monotonic()
        self._before: Totals | None = None
        self._seen = 0

    def epoch_begins(self, under_way: UnderWay) -> None:
        """Take note of what an epoch has behind it; to be called before its first step here."""
        self._before = under_way.sums.totals(self._run.world) if under_way.steps else None
        self._seen = under_way.steps

    def after_step(self, under_way: UnderWay) -> None:
        """Look, where it is time to. Raises NoldoError for a loss gone astray, KeyboardInterrupt where told to stop."""
        regular = under_way.steps % LOOK_EVERY[self._run.compute.device.type] == 0 or under_way.steps == self._steps
        # Processes look together and agree on what they do next; one alone is free to do it at any step.
        world = self._run.world
        if not regular and not (world.alone and (self._request or self._is_due())):
            return
        totals = under_way.sums.totals(world, bool(self._request), world.first and self._is_due())
        self._tell(under_way, totals)
        told, due = totals.flags
        told = told or (world.alone and bool(self._request))
        if told or due:
            self._save(under_way)
        if told:
            self._stop()

    def epoch_ended(self, line: Mapping[str, Any], upcoming: UnderWay) -> None:
        """Tell of an epoch by its line of the log, and save the run as it stands before the one that is upcoming."""
        losses = {name: value for name, value in line.items() if name not in NO_LOSSES}
        self._events.add("epoch", {**losses, "lr": line["lr"]}, step=upcoming.epoch * self._steps)
        self._val_loss = line["val_loss"]
        self._save(upcoming)
        if upcoming.sums.totals(self._run.world, bool(self._request)).flags[0]:
            self._stop()

    def _save(self, under_way: UnderWay) -> None:
        self._events.flush()
        save_state(self._run.layout.checkpoint, self._state, under_way, self._run.world)
        self._saved = time.monotonic()

    def _stop(self) -> NoReturn:
        self._request.act()
        raise KeyboardInterrupt  # another process was told to

    def _is_due(self) -> bool:
        return time.monotonic() - self._saved >= 60.0 * self._run.settings.checkpoint_minutes

    def _tell(self, under_way: UnderWay, totals: Totals) -> None:
        """Refuse losses that are no finite numbers, and tell of the others."""
        run, epoch, step, steps = self._run, under_way.epoch, under_way.steps, self._steps
        means, first = totals.means_since(self._before), self._seen + 1
        self._before, self._seen = totals, step
        if not all(math.isfinite(mean) for mean in means.values()):
            at = f"step {step}" if first == step else f"steps {first} to {step}"
            raise diverged(
                f"epoch {epoch + 1}, {at}: the training loss is {means['train_loss']}", run.layout.checkpoint
            )
        if not run.world.first:
            return
        seconds = under_way.clock.seconds
        progress = PretrainProgress(
            epoch=epoch + 1,
            epochs=run.settings.epochs,
            step=step,
            steps=steps,
            train_loss=means["train_loss"],
            val_loss=self._val_loss,
            locations_per_s=totals.locations / seconds,
            data_wait_share=under_way.clock.wait_share,
            eta_s=seconds / step * ((run.settings.epochs - epoch) * steps - step),
        )
        speed = {"locations_per_s": progress.locations_per_s, "data_wait_share": progress.data_wait_share}
        self._events.add("step", {**means, **speed}, step=epoch * steps + step)
        run.on_progress(progress)
