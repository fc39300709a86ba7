"""The store that a pretraining run learnt from, opened as the run did, and its truth where there is one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from upath import UPath

from pipeline.schema.errors import UsageError
from pipeline.schema.paths import AnyPath
from training.analysis.runs import PretrainRun
from training.dataset import Split, TrainingStore, open_store, open_truth, split_locations
from training.shared_ground import ground_groups

OVERLAPS_UNCHECKED = "by location, overlaps not checked"
"""What run.json says of a split that was made without looking at which patches overlap."""


@dataclass(frozen=True)
class RunData:
    """A run's data."""

    store: TrainingStore
    truth: Any | None
    """tensorstore of uint8 (N, 4, P, P), the true land cover of the store's rows; None where it is not known."""
    split: Split
    """As the run had it: what it trained on and what it held out."""


def open_run_data(run: PretrainRun, store: AnyPath | None, truth: AnyPath | None) -> RunData:
    """Open a run's store with the labels that it learnt, and split it as the run did.

    `store`: where it lies; None: where the run found it. `truth`: a group with its truth, None: there is none.
    UsageError where it is not there, or it or its labels are not what the run learnt; errors of open_store and
    open_truth.
    """
    path = recorded_store(run.record, run.folder) if store is None else store
    data = open_store(path, run.settings.label_source)
    if run.record.get("store_digest") != data.digest:
        raise UsageError(
            f"{path} is not the store that {run.folder} learnt from (their digests differ); give that one with --store"
        )
    if run.record.get("labels_digest") != data.labels.digest:
        raise UsageError(f"{data.labels.folder} are not the labels that {run.folder} learnt any more; train it anew")
    groups = None if run.record.get("split") == OVERLAPS_UNCHECKED else ground_groups(data)
    split = split_locations(data.locations, run.settings.val_fraction, run.settings.seed, groups)
    return RunData(data, None if truth is None else open_truth(truth, data), split)


def recorded_store(record: Mapping[str, Any], folder: Path) -> AnyPath:
    """Where a run's record says that its store lies; UsageError where it says nothing."""
    stated = record.get("store")
    if not isinstance(stated, str):
        raise UsageError(f"{folder}: run.json does not say which store it learnt from; give it with --store")
    return UPath(stated) if "://" in stated else Path(stated)
