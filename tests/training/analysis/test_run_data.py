import dataclasses
import json

import numpy as np
import pytest

from pipeline.schema.errors import UsageError
from training.analysis.run_data import RunData, open_run_data
from training.analysis.runs import PretrainRun


def test_the_split_is_the_runs(both: PretrainRun, data: RunData) -> None:
    result = json.loads((both.folder / "result.json").read_text())
    assert len(data.split.held_out) == result["locations_held_out"]
    masks = np.load(both.folder / "masks.npz")
    held_out = masks["location_row"][masks["held_out"]]
    assert set(held_out) <= set(data.split.held_out)


def test_another_store_is_refused(both: PretrainRun, data: RunData) -> None:
    other = dataclasses.replace(both, record={**both.record, "store_digest": "sha256:another"})
    with pytest.raises(UsageError, match="their digests differ"):
        open_run_data(other, data.store.path, None)
    silent = dataclasses.replace(both, record={})
    with pytest.raises(UsageError, match="does not say which store"):
        open_run_data(silent, None, None)


def test_other_labels_than_the_run_learnt_are_refused(both: PretrainRun, data: RunData) -> None:
    other = dataclasses.replace(both, record={**both.record, "labels_digest": "sha256:another"})
    with pytest.raises(UsageError, match=r"not the labels that .* learnt"):
        open_run_data(other, data.store.path, None)
    older = {name: value for name, value in both.record.items() if name != "labels_digest"}
    assert open_run_data(dataclasses.replace(both, record=older), data.store.path, None).split is not None


def test_without_a_truth_there_is_none(both: PretrainRun, data: RunData) -> None:
    assert open_run_data(both, data.store.path, None).truth is None
