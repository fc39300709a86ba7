"""A trained optical teacher in a folder of its own: made, gone on with, or found there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pipeline.schema.errors import UsageError
from pipeline.schema.layout import PretrainLayout
from pipeline.schema.paths import AnyPath
from training.checkpoint import save_weights
from training.evaluate import evaluate
from training.json_file import read_json, write_json, write_whole
from training.other_run import changed_settings
from training.pseudo.settings import TeacherSettings
from training.pseudo.state import new_state
from training.pseudo.train_teacher import TeacherRun, train_teacher
from training.run_record import describe_run
from training.weight_files import file_sha256

SECTION = "pseudo_label"
"""Key of run.json that holds the teacher's settings, beside those of a pretraining with the same network."""


def teacher_trained(out: Path) -> bool:
    """Whether a finished teacher lies in that folder."""
    return PretrainLayout(out).weights.is_file()


def make_teacher(run: TeacherRun, *, weights: Path | None, reference: AnyPath | None, resume: bool) -> Path:
    """Train the teacher in its folder unless it is there; return the file of its weights, the moving average's.

    Arguments as training.pseudo.run.pseudo_label.

    Beside it lie run.json, log.jsonl, recipe.yaml and result.json, its scores on the held-out locations. Raises
    UsageError where the folder holds another run, or an unfinished one that is not to be resumed.
    """
    settings, layout = run.settings, run.layout
    record = _record(run, weights)
    if layout.record.exists():
        _require_same(read_json(layout.record), record, layout)
    if layout.weights.is_file():
        return layout.weights
    resumed = layout.checkpoint.exists()
    if resumed and not resume:
        raise UsageError(f"{layout.root} holds an unfinished teacher; add --resume to go on with it, or delete it")
    layout.root.mkdir(parents=True, exist_ok=True)
    state, report = new_state(settings, run.compute, weights)
    loaded = None if report is None else report.lines()
    write_json(layout.record, {**record, "weights_loaded": loaded})
    write_whole(layout.recipe, yaml.safe_dump({"pseudo_label": {"teacher": record[SECTION]}}, sort_keys=False))
    train_teacher(run, state, resumed=resumed)
    found = evaluate(
        state.teacher,
        run.store,
        run.split,
        settings=settings.as_pretraining(),
        compute=run.compute,
        reference=reference,
    )
    write_json(layout.result, found.result)
    save_weights(state.teacher, layout.weights)
    return layout.weights


def _record(run: TeacherRun, weights: Path | None) -> dict[str, Any]:
    """What decides the teacher, and what it ran on, as plain data for run.json."""
    return {
        **describe_run(run.settings.as_pretraining(), run.store, run.compute, groups_known=run.groups_known),
        SECTION: run.settings.model_dump(mode="json"),
        "weights": None if weights is None else {"file": str(weights), "sha256": file_sha256(weights)},
    }


def _require_same(earlier: Mapping[str, Any], record: Mapping[str, Any], layout: PretrainLayout) -> None:
    if SECTION not in earlier:
        raise UsageError(f"{layout.root} holds a run of another kind; choose another folder")
    changed = changed_settings(earlier[SECTION], record[SECTION], TeacherSettings)
    before, now = ((found["weights"] or {}).get("sha256") for found in (earlier, record))
    changed += [] if before == now else ["--weights"]
    changed += [key for key in ("store_digest", "labels_digest") if earlier.get(key) != record[key]]
    if changed:
        raise UsageError(
            f"{layout.root} holds a teacher with another {', '.join(changed)}; choose another folder or delete that one"
        )
