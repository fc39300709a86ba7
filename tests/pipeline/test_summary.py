import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.funnel_step import FunnelStep
from pipeline.ledger import Ledger, Outcome
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import Attempt
from pipeline.summary import summarise, summary_lines

STEPS = (
    FunnelStep("sample", 10, 10, ()),
    FunnelStep("seasons", 10, 4, (("no DW label", 5), ("no S2 scene", 1))),
    FunnelStep("quality", 4, 4, ()),
)
SCORE = {"oa": 0.5, "miou": 0.25, "mf1": 0.4}
RESULT = {
    "against": "truth",
    "loss_first": 9.0,
    "loss_last": 7.5,
    "val_loss_first": 9.5,
    "val_loss_last": 8.0,
    "locations_held_out": 2,
    "scores": {"network_s2": SCORE, "majority_class": {**SCORE, "oa": 0.125}},
}


@dataclass(frozen=True)
class Finished:
    result: dict[str, Any]


def finished_run(tmp_path: Path) -> RunLayout:
    run = RunLayout(tmp_path)
    run.store("nol").mkdir(parents=True)
    (run.store("nol") / "zarr.json").write_text("x" * 3_000_000)
    run.manifest.mkdir()
    (run.manifest / "provenance.json").write_text(json.dumps({"content_digest": {"dataset": "sha256:abc"}}))
    return run


def test_the_last_screen(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    ledger = Ledger(run.events, lambda _: None)
    for kind in ("transient", "ok"):
        ledger.record_attempt(Attempt("export", "a", 1, kind, "", 1.0, 2_000_000))
    ledger.record(Outcome("export", 0, "x", 4, True))
    summary = summarise(run.root, "nol", 61.2, ledger, STEPS, 0.667, Finished(RESULT), True)
    text = "\n".join(summary_lines(summary))
    assert "less no DW label                          -5" in text
    assert "2 sent, 1 of them tried again, 4 MB received" in text
    assert "3 MB, content digest sha256:abc" in text
    assert "66.7% of the labelled pixels are right" in text
    assert "loss 9.000 -> 7.500, validation 9.500 -> 8.000" in text
    assert "majority class of the labels   OA  12.5%" in text
    assert f"noldo manifest verify {tmp_path}" in text
    assert "noldo pretrain" not in text  # it has been done
    assert "Nothing to do" not in text
    assert json.loads(json.dumps(summary.as_json()))["tallies"]["export"]["retried"] == 1


def test_nothing_to_do_is_said_first(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    ledger = Ledger(run.events, lambda _: None)
    lines = summary_lines(summarise(run.root, "nol", 1.0, ledger, STEPS, None, None, False))
    assert lines[1] == "Nothing to do: every stage of this build is there already."
    assert f"  noldo pretrain recipes/demo.yaml --store {run.root} --out {run.root}-pretrain" in lines


def test_a_build_that_stopped_early_promises_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "events.jsonl", lambda _: None)
    ledger.record(Outcome("match", 0, "x", 10, made=True))
    text = "\n".join(summary_lines(summarise(tmp_path, "nol", 1.0, ledger, STEPS, None, None, True)))
    assert "digest" not in text
    assert "Store" not in text
