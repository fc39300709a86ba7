"""A comparison from the first pretraining to the last transfer."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.schema.paths import AnyPath
from training.compare.plan import ComparisonPlan, PretrainPlan, TransferPlan
from training.compute import settle_compute
from training.pretrain import pretrain
from training.progress import PretrainProgress
from training.run_record import describe_machine
from training.transfer.progress import TransferProgress
from training.transfer.run import transfer


@dataclass(frozen=True)
class ComparisonProgress:
    """Where a comparison stands."""

    stage: str
    """pretrain or transfer."""
    done: int
    """Runs of the stage that are finished."""
    total: int
    under_way: str
    """The run under way, and how far it is."""


@dataclass(frozen=True)
class Comparison:
    """A finished comparison."""

    results: Sequence[dict[str, Any]]
    """The result of each transfer, in the plan's order (training.transfer)."""
    pretrained: Sequence[dict[str, Any]]
    """The result of each pretraining, its variant beside."""
    seconds: float
    """What this call took; runs that were there already took nothing."""
    made_with: dict[str, Any]
    """Code version, hardware, and versions of torch and Python."""


def compare(
    plan: ComparisonPlan, store: AnyPath, truth: AnyPath | None, on_progress: Callable[[ComparisonProgress], None]
) -> Comparison:
    """Run what is not finished of a plan; run folders are left as those of `pretrain` and `transfer`, and go on alike.

    `store`: to pretrain on; `truth`: its true land cover to score pretrainings against, or None.
    Raises what the runs raise; finished runs are then kept, and the next call goes on.
    """
    begun = time.monotonic()
    here = describe_machine(settle_compute(device="auto", precision="auto", compiled="auto", threads=None))
    pretrained, results = [], []
    for number, run in enumerate(plan.pretrainings):
        pretrained.append(_pretrained(run, store, truth, _told("pretrain", number, plan.pretrainings, on_progress)))
    for number, moved in enumerate(plan.transfers):
        results.append(_transferred(moved, _told("transfer", number, plan.transfers, on_progress)))
    return Comparison(results, pretrained, time.monotonic() - begun, here)


def _pretrained(
    run: PretrainPlan, store: AnyPath, truth: AnyPath | None, tell: Callable[[str], None]
) -> dict[str, Any]:
    def told(progress: PretrainProgress) -> None:
        tell(f"{run.variant}: epoch {progress.epoch}/{progress.epochs}")

    done = pretrain(run.settings, store, run.out, reference=truth, resume=True, on_progress=told)
    return {"variant": run.variant, **done.result}


def _transferred(run: TransferPlan, tell: Callable[[str], None]) -> dict[str, Any]:
    what = f"{run.out.parent.name} {run.out.name}"

    def told(progress: TransferProgress) -> None:
        tell(f"{what}: repeat {progress.repeat}/{progress.repeats}, epoch {progress.epoch}/{progress.epochs}")

    done = transfer(
        run.settings, run.stores.train, run.stores.test, run.weights, run.out,
        name=run.name, resume=True, on_progress=told,
    )  # fmt: skip
    return done.result


def _told(
    stage: str, done: int, runs: Sequence[object], on_progress: Callable[[ComparisonProgress], None]
) -> Callable[[str], None]:
    def tell(under_way: str) -> None:
        on_progress(ComparisonProgress(stage, done, len(runs), under_way))

    return tell
