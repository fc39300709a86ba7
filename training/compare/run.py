"""A comparison from the first pretraining to the last transfer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.schema.layout import PretrainLayout
from pipeline.schema.paths import AnyPath
from training.compare.plan import ComparisonPlan, PretrainPlan, TransferPlan
from training.json_file import read_json
from training.pretrain import PretrainResult, pretrain
from training.progress import PretrainProgress
from training.transfer.layout import TransferLayout
from training.transfer.progress import TransferProgress
from training.transfer.result import TransferResult
from training.transfer.run import set_up, transfer
from training.transfer.seed_state import new_seed_state


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
    made_with: Sequence[dict[str, Any]]
    """Code version, hardware, and versions of torch and Python that runs were made with, each once."""
    reused: bool
    """True where every run was there already and nothing was done."""


def compare(
    plan: ComparisonPlan, store: AnyPath, truth: AnyPath | None, on_progress: Callable[[ComparisonProgress], None]
) -> Comparison:
    """Run what is not finished of a plan; run folders are left as those of `pretrain` and `transfer`, and go on alike.

    `store`: to pretrain on; `truth`: its true land cover to score pretrainings against, or None.
    Raises what the runs raise; finished runs are then kept, and the next call goes on. What does not fit a set is
    refused before anything is pretrained.
    """
    _require_fitting(plan)
    pretrained = [
        _pretrained(run, store, truth, _told("pretrain", number, plan.pretrainings, on_progress))
        for number, run in enumerate(plan.pretrainings)
    ]
    results = [
        _transferred(run, _told("transfer", number, plan.transfers, on_progress))
        for number, run in enumerate(plan.transfers)
    ]
    return Comparison(
        results=[done.result for done in results],
        pretrained=[
            {"variant": run.variant, **done.result} for run, done in zip(plan.pretrainings, pretrained, strict=True)
        ],
        made_with=_made_with(plan),
        reused=all([*(done.reused for done in pretrained), *(done.reused for done in results)]),
    )


def _require_fitting(plan: ComparisonPlan) -> None:
    """Refuse, before anything is pretrained, what a transfer would refuse; those from nothing need no weights."""
    for run in plan.transfers:
        if run.weights is None:
            new_seed_state(set_up(run.settings, run.stores.train, run.stores.test, None), run.settings.first_seed)


def _made_with(plan: ComparisonPlan) -> list[dict[str, Any]]:
    records = [read_json(PretrainLayout(run.out).record) for run in plan.pretrainings]
    records += [read_json(TransferLayout(run.out).record) for run in plan.transfers]
    distinct: list[dict[str, Any]] = []
    for record in records:
        told = {key: record[key] for key in ("code", "hardware", "torch", "python")}
        if told not in distinct:
            distinct.append(told)
    return distinct


def _pretrained(
    run: PretrainPlan, store: AnyPath, truth: AnyPath | None, tell: Callable[[str], None]
) -> PretrainResult:
    def told(progress: PretrainProgress) -> None:
        tell(f"{run.variant}: epoch {progress.epoch}/{progress.epochs}")

    return pretrain(run.settings, store, run.out, reference=truth, resume=True, on_progress=told)


def _transferred(run: TransferPlan, tell: Callable[[str], None]) -> TransferResult:
    what = f"{run.out.parent.name} {run.out.name}"

    def told(progress: TransferProgress) -> None:
        tell(f"{what}: repeat {progress.repeat}/{progress.repeats}, epoch {progress.epoch}/{progress.epochs}")

    return transfer(
        run.settings, run.stores.train, run.stores.test, run.weights, run.out,
        name=run.name, resume=True, on_progress=told,
    )  # fmt: skip


def _told(
    stage: str, done: int, runs: Sequence[object], on_progress: Callable[[ComparisonProgress], None]
) -> Callable[[str], None]:
    def tell(under_way: str) -> None:
        on_progress(ComparisonProgress(stage, done, len(runs), under_way))

    return tell
