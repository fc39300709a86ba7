"""What a run folder holds, and when it is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.schema.errors import UsageError
from pipeline.schema.layout import PretrainLayout
from training.compute import choose_compute
from training.dataset import open_store
from training.json_file import write_json
from training.run_record import FolderState, dataset_digest, describe_run, folder_state
from training.settings import PretrainSettings


@pytest.fixture
def record(small: tuple[Path, Path], tiny_settings: PretrainSettings) -> dict[str, Any]:
    return describe_run(tiny_settings, open_store(small[0]), choose_compute(tiny_settings), groups_known=False)


def test_the_record_names_settings_store_code_and_hardware(
    record: dict[str, Any], small: tuple[Path, Path], tiny_settings: PretrainSettings
) -> None:
    assert record["settings"] == tiny_settings.model_dump(mode="json")
    assert record["store_digest"] == open_store(small[0]).digest
    assert {"version", "commit"} == set(record["code"])
    assert record["hardware"]["device"] == "cpu"
    assert record["world_size"] == 1
    assert record["dataset_digest"] is None
    assert json.loads(json.dumps(record)) == record


def state_of(
    layout: PretrainLayout, record: dict[str, Any], *, against: str = "dw", resume: bool = False
) -> FolderState:
    return folder_state(layout, record, against=against, resume=resume)


def test_a_folder_goes_from_new_to_unfinished_to_finished(tmp_path: Path, record: dict[str, Any]) -> None:
    layout = PretrainLayout(tmp_path)
    assert state_of(layout, record) is FolderState.NEW
    write_json(layout.record, record)
    assert state_of(layout, record) is FolderState.NEW
    layout.checkpoint.write_bytes(b"")
    assert state_of(layout, record, resume=True) is FolderState.UNFINISHED
    with pytest.raises(UsageError, match="unfinished run; add --resume"):
        state_of(layout, record)
    write_json(layout.result, {"against": "dw"})
    assert state_of(layout, record) is FolderState.FINISHED
    assert state_of(layout, record, against="truth", resume=True) is FolderState.UNFINISHED


def test_another_setting_or_store_is_refused_by_name(tmp_path: Path, record: dict[str, Any]) -> None:
    layout = PretrainLayout(tmp_path)
    write_json(layout.record, record)
    other = {**record, "settings": {**record["settings"], "learning_rate": 0.5}, "store_digest": "another"}
    with pytest.raises(UsageError, match="holds a run with another learning_rate, store; choose another folder"):
        state_of(layout, other)


def test_a_run_split_otherwise_is_refused(tmp_path: Path, record: dict[str, Any]) -> None:
    layout = PretrainLayout(tmp_path)
    write_json(layout.record, record)
    assert record["split"] == "by location, overlaps not checked"
    with pytest.raises(UsageError, match="holds a run with another split;"):
        state_of(layout, {**record, "split": "no shared ground"})


def test_the_device_and_threads_may_change(tmp_path: Path, record: dict[str, Any]) -> None:
    layout = PretrainLayout(tmp_path)
    write_json(layout.record, record)
    other = {**record, "settings": {**record["settings"], "device": "cuda", "threads": 7, "compile": "on"}}
    assert state_of(layout, other) is FolderState.NEW


def test_another_number_of_processes_is_refused(tmp_path: Path, record: dict[str, Any]) -> None:
    layout = PretrainLayout(tmp_path)
    write_json(layout.record, record)
    with pytest.raises(UsageError, match=r"another number of processes \(1, not 4\)"):
        state_of(layout, {**record, "world_size": 4})


def test_a_record_from_before_processes_were_counted_is_of_one(tmp_path: Path, record: dict[str, Any]) -> None:
    layout = PretrainLayout(tmp_path)
    write_json(layout.record, {key: value for key, value in record.items() if key != "world_size"})
    assert state_of(layout, record) is FolderState.NEW


def test_the_manifest_beside_the_store_names_the_data_set(store_writer: Callable[..., Any], tmp_path: Path) -> None:
    store = open_store(store_writer(tmp_path / "store", locations=1)[0])
    provenance = tmp_path / "manifest" / "provenance.json"
    provenance.parent.mkdir()
    provenance.write_text(json.dumps({"content_digest": {"dataset": "sha256:d", "store": store.digest}}))
    assert dataset_digest(store) == "sha256:d"
    provenance.write_text(json.dumps({"content_digest": {"dataset": "sha256:d", "store": "sha256:of another"}}))
    assert dataset_digest(store) is None
    provenance.write_text("{")
    assert dataset_digest(store) is None


def test_a_checkpoint_of_unknown_origin_is_refused(tmp_path: Path, record: dict[str, Any]) -> None:
    layout = PretrainLayout(tmp_path)
    layout.checkpoint.write_bytes(b"")
    with pytest.raises(UsageError, match=r"no run\.json"):
        state_of(layout, record)
