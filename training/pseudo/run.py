"""Pseudo-labels from the first epoch of their teacher to the arrays in the store: the whole run, top to bottom."""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.schema.errors import UsageError
from pipeline.schema.layout import ADDED_LABELS, PretrainLayout
from pipeline.schema.paths import AnyPath
from training.checks import check_store
from training.compute import choose_compute
from training.dataset import Split, TrainingStore, open_store, split_locations
from training.encoder import require_encoder
from training.json_file import read_json, write_json
from training.label_source import CONFIDENCE_SUFFIX, OWN_LABELS
from training.pseudo.held_out import HeldOutAs
from training.pseudo.label_arrays import provenance_of, writable
from training.pseudo.make_teacher import make_teacher, teacher_trained
from training.pseudo.progress import PseudoProgress
from training.pseudo.put_in_place import finish_placing
from training.pseudo.score_labels import score_labels
from training.pseudo.settings import PseudoLabelSettings
from training.pseudo.teachers import load_teacher
from training.pseudo.train_teacher import TeacherRun
from training.pseudo.write_labels import JOINED_SUFFIXES, Writing, write_labels
from training.run_record import code_version, split_kind
from training.shared_ground import ground_groups

NAME = re.compile(r"[a-z][a-z0-9_]*")
"""What a label source may be called: a name in every system that a store may be copied to."""

SUFFIXES = (CONFIDENCE_SUFFIX, *JOINED_SUFFIXES)
"""Arrays of these names behind a label source's belong to it, and go away with it."""


@dataclass(frozen=True)
class PseudoLabelResult:
    """Labels that are in the store."""

    folder: Path
    """Of the array of labels."""
    result: dict[str, Any]
    """The content of labels-NAME.json: scores, and of what the labels were made."""
    reused: bool
    """True where they were there already, made of the same teachers and settings."""


def pseudo_label(
    settings: PseudoLabelSettings,
    store: AnyPath,
    out: Path,
    *,
    name: str,
    teachers: Sequence[Path],
    weights: Path | None,
    reference: AnyPath | None,
    replace: bool,
    resume: bool,
    on_progress: Callable[[PseudoProgress], None],
) -> PseudoLabelResult:
    """Train an optical teacher in `out`, or take those given, and add its labels to the store as label source `name`.

    `teachers`: files of trained weights, instead of training. `weights`: where training starts from, for example a
    pretraining's. `reference`: a Zarr group with the true land cover of the store's rows, to score the labels against.
    `replace`: whether labels of that name that were made otherwise are replaced. `resume`: go on with an unfinished
    teacher in `out`. Interrupted, the store is as it was, and the same call goes on where it can.
    Raises UsageError for what does not fit, NoldoError for damaged data or a diverged loss.
    """
    path = writable(store)
    _require_name(name, None if teachers else settings.teacher.label_source)
    data = open_store(path, OWN_LABELS if teachers else settings.teacher.label_source)
    finish_placing(path, name)
    known = provenance_of(path, name)
    if not teachers:
        _check(settings, data)
        if known is not None and not replace and not teacher_trained(out):
            raise _taken(path, name)
    compute = choose_compute(settings.teacher.as_pretraining())
    groups = ground_groups(data)
    split = split_locations(data.locations, settings.teacher.val_fraction, settings.teacher.seed, groups)
    if not teachers:
        run = TeacherRun(settings.teacher, data, split, groups is not None, compute, PretrainLayout(out), on_progress)
        teachers = [make_teacher(run, weights=weights, reference=reference, resume=resume)]
    loaded = [load_teacher(teacher, data, compute) for teacher in teachers]
    writing = Writing(name, data, path, loaded, settings.write, compute, on_progress)
    reused = known == writing.provenance()
    if known is not None and not reused and not replace:
        raise _taken(path, name)
    digests = None if reused else write_labels(writing, code_version())
    out.mkdir(parents=True, exist_ok=True)
    ours = HeldOutAs(
        data.digest, split_kind(groups_known=groups is not None), settings.teacher.val_fraction, settings.teacher.seed
    )
    common = split if all(teacher.held_out_as == ours for teacher in loaded) else None
    file = out / f"labels-{name}.json"
    result = _result(writing, common, reference, digests, file)
    return PseudoLabelResult(path / ADDED_LABELS / name, result, reused)


def _result(
    writing: Writing, held_out: Split | None, reference: AnyPath | None, digests: dict[str, str] | None, file: Path
) -> dict[str, Any]:
    """Score the labels, which were written just now where there are `digests`, or keep what was said of them.

    `held_out`: the split, where every teacher held out its rows; None where one may have learnt from some.
    """
    provenance = writing.provenance()
    against = "dw" if reference is None else "truth"
    held_out_as = None if held_out is None else asdict(writing.teachers[0].held_out_as)
    if digests is None and file.exists():
        before = read_json(file)
        now = {"provenance": provenance, "against": against, "held_out_as": held_out_as}
        if all(key in before and before[key] == value for key, value in now.items()):
            return before
    sources = [writing.name, *(f"{writing.name}_{how}" for how in writing.settings.joined)]
    found = {
        "name": writing.name,
        "store": str(writing.path),
        "against": against,
        "locations": writing.store.locations,
        "locations_held_out": None if held_out is None else len(held_out.held_out),
        "held_out_as": held_out_as,
        "provenance": provenance,
        "labels": score_labels(writing.store, [OWN_LABELS, *sources], held_out, reference),
    }
    write_json(file, found)
    return read_json(file)


def _check(settings: PseudoLabelSettings, store: TrainingStore) -> None:
    require_encoder(settings.teacher.encoder)
    check_store(settings.teacher.as_pretraining(), store)


def _require_name(name: str, learnt: str | None) -> None:
    """`learnt`: the label source that a teacher is to be trained on."""
    if not NAME.fullmatch(name) or name == OWN_LABELS or name.endswith(SUFFIXES):
        raise UsageError(
            f"--name is '{name}'; give small letters, digits and _, beginning with a letter, other than {OWN_LABELS} "
            f"and not ending in {', '.join(SUFFIXES)}"
        )
    if learnt in (name, *(name + suffix for suffix in SUFFIXES)):
        raise UsageError(f"--name is '{name}', but the teacher learns from {learnt} (label_source); give another name")


def _taken(store: Path, name: str) -> UsageError:
    return UsageError(
        f"{store} has labels '{name}' already, made otherwise; add --replace to make them anew, or give another --name"
    )
