"""The flow's own decisions, without a cluster: what it does about damage and about what could not be had."""

from pathlib import Path
from typing import Any

import pytest

from pipeline import flow
from pipeline.building import MENDINGS
from pipeline.cluster.crew import Crew
from pipeline.commit import begun_inputs, committed_folder, folder_inputs
from pipeline.ledger import Ledger, Outcome
from pipeline.recipe import Recipe
from pipeline.schema.errors import DamagedError, FailureKind, NoldoError
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import Failure
from pipeline.sources.earthengine import emulator_spec
from pipeline.sources.pace import BudgetSpentError
from pipeline.tasks.job import Job


def job_in(folder: Path, **export: Any) -> Job:
    recipe = {"sample": {"count": 2}, "source": {"kind": "emulator"}, "export": export, "budget": {"eecu_hours": 3}}
    return Job(RunLayout(folder), Recipe.model_validate(recipe), emulator_spec("http://127.0.0.1:9"), None)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "events.jsonl", lambda _: None)


def fail(ledger: Ledger, kind: FailureKind, places: int) -> None:
    failures = tuple(Failure(f"place-{i}", "export", 1, kind, "the service's words") for i in range(places))
    ledger.record(Outcome("export", 0, "inputs", places, made=True, failures=failures))


def test_damaged_files_are_removed_told_and_made_again(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = [tmp_path / "part-0", tmp_path / "part-1"]
    for path in damaged:
        path.write_text("torn")
    notes: list[str] = []

    def run(*_: Any) -> tuple[()]:
        for path in damaged:
            if path.exists():
                raise DamagedError(f"{path} cannot be read", path)
        return ()

    monkeypatch.setattr(flow, "_build", run)
    assert flow.build(job_in(tmp_path), Crew.__new__(Crew), ledger, note=notes.append) == ()
    assert [str(path) in note for path, note in zip(damaged, notes, strict=True)] == [True, True]
    assert ledger_text(tmp_path).count('"mended"') == 2


def test_a_disk_that_damages_everything_is_not_fought_for_ever(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    def run(*_: Any) -> tuple[()]:
        tries.append(1)
        raise DamagedError("part-0 cannot be read", tmp_path / "part-0")

    monkeypatch.setattr(flow, "_build", run)
    with pytest.raises(NoldoError, match="part-0"):
        flow.build(job_in(tmp_path), Crew.__new__(Crew), ledger)
    assert len(tries) == MENDINGS + 1


def test_nothing_is_wrong_where_nothing_failed(tmp_path: Path, ledger: Ledger) -> None:
    flow.require_complete(job_in(tmp_path), ledger, 100, spent=False)


@pytest.mark.parametrize(("share", "places", "goes_on"), [(0.0, 1, False), (0.02, 2, True), (0.02, 3, False)])
def test_the_recipe_may_allow_a_share_of_lasting_failures(
    tmp_path: Path, ledger: Ledger, share: float, places: int, goes_on: bool
) -> None:
    fail(ledger, FailureKind.PERMANENT, places)
    job = job_in(tmp_path, max_failed_share=share)
    if goes_on:
        flow.require_complete(job, ledger, 100, spent=False)
        return
    with pytest.raises(NoldoError, match=f"{places} locations could not be had") as caught:
        flow.require_complete(job, ledger, 100, spent=False)
    assert "--retry permanent" in str(caught.value)
    assert "the service's words" in str(caught.value)


def test_what_may_still_come_is_never_left_out(tmp_path: Path, ledger: Ledger) -> None:
    fail(ledger, FailureKind.TRANSIENT, 1)
    with pytest.raises(NoldoError, match="run the same command again"):
        flow.require_complete(job_in(tmp_path, max_failed_share=1.0), ledger, 100, spent=False)


def test_a_part_without_a_table_is_never_left_out(tmp_path: Path, ledger: Ledger) -> None:
    fail(ledger, FailureKind.PERMANENT, 1)
    job = job_in(tmp_path, max_failed_share=1.0)
    flow.require_complete(job, ledger, 100, spent=False, whole=True)
    with pytest.raises(NoldoError, match="run the same command again"):
        flow.require_complete(job, ledger, 100, spent=False, whole=False)


def test_a_store_is_not_given_up_for_one_that_cannot_be_made(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_in(tmp_path)
    store = job.run.store("nol")
    with committed_folder(store, "made from other inputs"):
        pass

    def freed(*_: Any) -> None:
        raise NoldoError("the raw pixels of a were freed")

    monkeypatch.setattr(flow, "kept_tiles", lambda *_: [("a", 0, 0)])
    monkeypatch.setattr(flow, "require_staged", freed)
    with pytest.raises(NoldoError, match="were freed"):
        flow.pack(job, Crew.__new__(Crew), ledger, [Outcome("quality", 0, "inputs", 1, made=False)])
    assert folder_inputs(store) == "made from other inputs"
    assert begun_inputs(store) is None


def test_a_spent_budget_is_said_before_anything_else(tmp_path: Path, ledger: Ledger) -> None:
    fail(ledger, FailureKind.QUOTA, 5)
    with pytest.raises(BudgetSpentError, match=r"budget\.eecu_hours"):
        flow.require_complete(job_in(tmp_path), ledger, 100, spent=True)


def ledger_text(folder: Path) -> str:
    return (folder / "events.jsonl").read_text()
