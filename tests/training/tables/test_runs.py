import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.schema.errors import NoldoError, UsageError
from training.tables.runs import holds_transfer_runs, read_runs

WriteRun = Callable[..., Path]


def test_runs_are_found_below_a_folder_and_the_folders_of_repeats_are_none(write_run: WriteRun, tmp_path: Path) -> None:
    write_run("a/deep/one", "random", 0.3, 0.4)
    write_run("two", "CromSS-midF", 0.5, 0.6)
    found = read_runs([tmp_path])
    assert [run.name for run in found.runs] == ["random", "CromSS-midF"]
    assert found.runs[0].folder == tmp_path / "a" / "deep" / "one"
    assert found.runs[0].scores["mIoU"] == (0.3, 0.4)
    assert found.unfinished == ()


def test_the_folder_of_a_run_itself_will_do(write_run: WriteRun) -> None:
    assert len(read_runs([write_run("one", "random", 0.3)]).runs) == 1


def test_folders_that_overlap_give_each_run_once(write_run: WriteRun, tmp_path: Path) -> None:
    write_run("a/one", "random", 0.3)
    assert len(read_runs([tmp_path, tmp_path / "a", tmp_path]).runs) == 1


def test_a_run_without_a_result_is_told_as_unfinished(write_run: WriteRun, tmp_path: Path) -> None:
    write_run("one", "random", 0.3)
    (write_run("two", "midF", 0.3) / "result.json").unlink()
    found = read_runs([tmp_path])
    assert [run.name for run in found.runs] == ["random"]
    assert found.unfinished == (tmp_path / "two",)


def test_a_store_is_not_entered(write_run: WriteRun, tmp_path: Path) -> None:
    write_run("dw.zarr/one", "random", 0.3)
    assert not holds_transfer_runs(tmp_path)
    with pytest.raises(UsageError, match="no transfer run lies below"):
        read_runs([tmp_path])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seeds": [0]}, "one OA for each of the 1 seeds"),
        ({"seeds": [4, 4]}, "twice"),
        ({"input": "S3"}, "input"),
        ({"scores": {"OA": [0.1, 0.2]}}, "one AA"),
        ({"train_share": 0.0}, "train_share"),
    ],
)
def test_a_result_that_does_not_hang_together_is_named(
    write_run: WriteRun, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    path = write_run("one", "random", 0.3, 0.4) / "result.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(NoldoError, match=said) as error:
        read_runs([tmp_path])
    assert str(path) in str(error.value)


def test_a_result_without_a_key_is_named(write_run: WriteRun, tmp_path: Path) -> None:
    path = write_run("one", "random", 0.3) / "result.json"
    content = json.loads(path.read_text())
    del content["pixels"]
    path.write_text(json.dumps(content))
    with pytest.raises(NoldoError, match="pixels: Field required"):
        read_runs([tmp_path])
