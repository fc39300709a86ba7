"""How good labels are: against the store's own, and against the planet's truth where there is one."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.schema.landcover import IGNORE, N_DW_CLASSES
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import N_SEASONS
from training.dataset import Split, TrainingStore, open_truth
from training.label_source import open_label_source
from training.loader import read_all_seasons
from training.metrics import confusion_matrix, scores

BLOCK_ROWS = 16
"""Rows read at a time."""


def score_labels(
    store: TrainingStore, names: Sequence[str], split: Split | None, reference: AnyPath | None
) -> dict[str, dict[str, Any]]:
    """Score label sources of the store by name; plain data.

    Each has labelled_share, class_share, against_dw (all rows) and, where `reference` is the planet's truth,
    against_truth of all rows and of those that `split` holds out; scores are None where no pixel has both labels, and
    of held-out rows without a `split`.
    """
    truth = None if reference is None else open_truth(reference, store)
    return {name: _score(store, name, split, truth) for name in names}


def _score(store: TrainingStore, name: str, split: Split | None, truth: Any | None) -> dict[str, Any]:
    source = open_label_source(store.path, name, tuple(store.dw.shape))
    counts = torch.zeros(IGNORE + 1, dtype=torch.int64)
    against = {key: torch.zeros((N_DW_CLASSES, N_DW_CLASSES), dtype=torch.int64) for key in ("dw", "truth", "held_out")}
    held_out_rows = np.empty(0, np.int64) if split is None else split.held_out
    for rows in _blocks(store.locations):
        label = read_all_seasons(source.array, rows)
        counts += torch.bincount(label.flatten(), minlength=IGNORE + 1)
        against["dw"] += confusion_matrix(label, read_all_seasons(store.dw, rows), N_DW_CLASSES)
        if truth is not None:
            true, held_out = read_all_seasons(truth, rows), torch.from_numpy(np.isin(rows, held_out_rows))
            against["truth"] += confusion_matrix(label, true, N_DW_CLASSES)
            against["held_out"] += confusion_matrix(label[held_out], true[held_out], N_DW_CLASSES)
    pixels = store.locations * N_SEASONS * store.patch_px**2
    labelled = int(counts[:N_DW_CLASSES].sum())
    found: dict[str, Any] = {
        "labelled_share": labelled / pixels,
        "class_share": [int(count) / max(labelled, 1) for count in counts[:N_DW_CLASSES]],
        "against_dw": _scores(against["dw"]),
    }
    if truth is not None:
        found["against_truth"] = {"all": _scores(against["truth"]), "held_out": _scores(against["held_out"])}
    return found


def _scores(confusion_CC: torch.Tensor) -> dict[str, Any] | None:
    return asdict(scores(confusion_CC)) if int(confusion_CC.sum()) else None


def _blocks(locations: int) -> list[NDArray[np.int64]]:
    return [np.arange(start, min(start + BLOCK_ROWS, locations)) for start in range(0, locations, BLOCK_ROWS)]
