"""Dropped locations with the reasons that the funnel counts."""

from collections import Counter
from pathlib import Path

from pipeline.funnel import NO_SCENES, export_step, judged_step
from pipeline.import_flow import ImportEnd
from pipeline.importers.imported import Problem
from pipeline.manifest.dropped import dropped_locations
from pipeline.parts import write_part
from pipeline.schema.errors import FailureKind
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import ExportRecord, Verdict

VERDICTS = [
    Verdict("a", True, "", ""),
    Verdict("b", False, "no DW label", "season 2: no DW label"),
    Verdict("c", False, NO_SCENES, f"season 0: {NO_SCENES} (503 after 41 s)"),
    Verdict("d", False, "no DW label", "season 0: no DW label"),
]

EXPORTS = [
    ExportRecord("a", 0, None, ""),
    ExportRecord("e", 1, FailureKind.EMPTY, "http://127.0.0.1:4321 said no"),
    ExportRecord("f", 2, FailureKind.PERMANENT, "refused"),
]


def test_reasons_are_those_of_the_funnel(tmp_path: Path) -> None:
    run = RunLayout(tmp_path)
    for part, verdicts in enumerate((VERDICTS[:2], VERDICTS[2:])):
        write_part(run.table("seasons", part), Verdict, verdicts, "i")
        write_part(run.table("export", part), ExportRecord, EXPORTS if part else [], "i")
    table = dropped_locations(run, 2, ("seasons", "export"))
    steps = (judged_step("seasons", VERDICTS), export_step(EXPORTS))
    told = {(step.stage, reason): count for step in steps for reason, count in step.reasons}
    assert Counter((row["stage"], row["reason"]) for row in table.to_pylist()) == told
    assert table["location_id"].to_pylist() == ["b", "c", "d", "e", "f"]
    assert set(table["split"].to_pylist()) == {"pretrain"}
    # What a service said may differ from build to build.
    assert table["detail"].to_pylist() == ["season 2: no DW label", "", "season 0: no DW label", "", ""]


def test_locations_that_files_did_not_hold_whole_are_dropped_by_the_import(tmp_path: Path) -> None:
    run = RunLayout(tmp_path)
    problems = (Problem("s1.tar", "7", "missing band", "VH"), Problem("s2.tar", "", "damaged archive", "cut short"))
    write_part(run.table("import", 0), ImportEnd, [ImportEnd(1, problems)], "i")
    (row,) = dropped_locations(run, 1, ("import",)).to_pylist()
    assert row == {
        "location_id": "7", "split": "pretrain", "stage": "import", "reason": "missing band", "detail": "VH"
    }  # fmt: skip


def test_nothing_dropped_is_an_empty_table(tmp_path: Path) -> None:
    write_part(RunLayout(tmp_path).table("seasons", 0), Verdict, VERDICTS[:1], "i")
    table = dropped_locations(RunLayout(tmp_path), 1, ("seasons",))
    assert (table.num_rows, table.column_names) == (0, ["location_id", "split", "stage", "reason", "detail"])
