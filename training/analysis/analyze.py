"""Every figure that runs allow, one after the other, and the page that shows them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.schema.errors import NoldoError
from pipeline.schema.paths import AnyPath
from training.analysis.encoders import check_encoder
from training.analysis.exhibit import Exhibit, Missing, Written, write_exhibit
from training.analysis.exhibits.held_out import held_out_exhibits
from training.analysis.exhibits.over_epochs import batch_norm_exhibit, scores_exhibit
from training.analysis.exhibits.pictures import map_exhibits, mask_exhibits
from training.analysis.exhibits.weights_and_features import feature_variance_exhibit, weight_change_exhibit
from training.analysis.page import write_page
from training.analysis.run_data import RunData, open_run_data, recorded_store
from training.analysis.runs import PretrainRun, open_runs
from training.analysis.subject import AnalysisSettings, OtherEncoder, Subject
from training.compute import settle_compute
from training.json_file import write_json

EXHIBITS: Final[tuple[Callable[[Subject], Iterator[Exhibit | Missing]], ...]] = (
    scores_exhibit,
    batch_norm_exhibit,
    mask_exhibits,
    weight_change_exhibit,
    feature_variance_exhibit,
    map_exhibits,
    held_out_exhibits,
)
"""In the order of the page; the paper's first."""

PAGE: Final = "analysis.html"
SUMMARY: Final = "analysis.json"
FIGURES: Final = "figures"


@dataclass(frozen=True)
class AnalysisResult:
    """What an analysis has left."""

    page: Path
    """All figures on one page that needs nothing else."""
    summary: dict[str, Any]
    """The content of analysis.json: runs, figures with their files, and what is missing and why."""


def analyze(
    folders: Sequence[Path],
    out: Path,
    *,
    store: AnyPath | None,
    truth_of: Callable[[AnyPath], AnyPath | None],
    dw_test: AnyPath | None,
    encoders: Sequence[OtherEncoder],
    settings: AnalysisSettings,
    tell: Callable[[str], None],
) -> AnalysisResult:
    """Draw every figure that the runs allow, and leave figures, data and page in `out`.

    `folders`: of pretraining and transfer runs. `store`: the pretraining store; None: where each run found it.
    `truth_of`: where the true land cover of a store lies, None where it has none. `dw_test`: a downstream store with
    labels of Dynamic World's classes, or None. `tell`: told in a few words what is being done.
    A figure that cannot be made is named with its reason. Raises UsageError for a folder that is no run, or a store
    that is not the one given for, or an encoder that is not known or has no file; NoldoError for damaged data.
    """
    for encoder in encoders:
        check_encoder(encoder)
    runs = open_runs(folders)
    compute = settle_compute(device=settings.device, precision="float32", compiled="off", threads=settings.threads)
    data = tuple(_data(run, store, truth_of) for run in runs.pretraining)
    subject = Subject(runs, data, dw_test, tuple(encoders), settings, compute, tell)
    figures = out / FIGURES
    figures.mkdir(parents=True, exist_ok=True)
    written: list[Written] = []
    missing: list[Missing] = []
    for exhibits in EXHIBITS:
        for found in exhibits(subject):
            if isinstance(found, Missing):
                missing.append(found)
            else:
                written.append(write_exhibit(found, figures))
    if not written:
        reasons = "; ".join(f"{each.title}: {each.why}" for each in missing)
        raise NoldoError(f"no figure can be made of these runs: {reasons}")
    summary = _summary(subject, written, missing, out)
    write_page(out / PAGE, subject, written, missing)
    write_json(out / SUMMARY, summary)
    return AnalysisResult(out / PAGE, summary)


def _data(run: PretrainRun, store: AnyPath | None, truth_of: Callable[[AnyPath], AnyPath | None]) -> RunData | None:
    """A run's data; None where its record names a store that is not there, which only matters to some figures."""
    path = store
    if path is None:
        path = recorded_store(run.record, run.folder)
        if not path.exists():
            return None
    return open_run_data(run, path, truth_of(path))


def _summary(subject: Subject, written: Sequence[Written], missing: Sequence[Missing], out: Path) -> dict[str, Any]:
    return {
        "runs": {name: str(folder) for name, folder, _ in subject.runs.listed()},
        "checkpoints": {run.name: [c.epoch for c in run.checkpoints] for run in subject.runs.pretraining},
        "settings": subject.settings.model_dump(mode="json"),
        "figures": [
            {
                "name": each.name,
                "title": each.title,
                "reads": each.reads,
                "files": [str(path.relative_to(out)) for path in (each.png, each.svg, each.data)],
            }
            for each in written
        ],
        "missing": [{"title": each.title, "why": each.why} for each in missing],
    }
