"""Writes every table of a folder of transfer runs, in every format."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.json_file import write_json, write_whole
from training.tables.ablation_table import ablation_table
from training.tables.class_tables import class_tables
from training.tables.curve import efficiency_figure, themed_svg
from training.tables.difference_table import difference_table
from training.tables.differences import Difference, Pairing, differences
from training.tables.efficiency_table import efficiency_lines, efficiency_table
from training.tables.latex import latex
from training.tables.long_form import differences_csv, results_csv, seeds_csv
from training.tables.markdown import markdown
from training.tables.names import DATASETS, PAPER, dataset_title
from training.tables.own_rows import ground, network, row_name
from training.tables.page import page
from training.tables.runs import FoundRuns, TransferRun, read_runs
from training.tables.smoothing_table import smoothing_table
from training.tables.table import Table
from training.tables.transfer_table import transfer_table

TITLE = "Transfer results"
INTRODUCTION = (
    f"Rows of ours stand beside those that were published ({PAPER}); Source tells which is which. Published figures "
    "are of the full data sets. Ours are of the stores that they were made on, whose numbers of tiles are shown: where "
    "these are smaller, or were built by the local emulator, no row of ours can be set against a published one.",
    "Percent, mean ± sample standard deviation over the seeds; for each seed from one confusion matrix of the whole "
    "test set. A dash is a figure that is not there. Bold is the best of a column among rows of ours on the same "
    "tiles; a lead may lie within the spread over the seeds: the paired differences tell.",
)


@dataclass(frozen=True)
class WrittenTables:
    """What was made."""

    tables: tuple[Table, ...]
    found: FoundRuns
    notices: tuple[str, ...]
    files: tuple[Path, ...]

    def as_json(self) -> dict[str, Any]:
        """Everything as one JSON object; figures are percent, with every digit."""
        return {**_plain(self.tables, self.found, self.notices), "files": [str(path) for path in self.files]}


def write_tables(folders: Sequence[Path], out: Path, pairing: Pairing) -> WrittenTables:
    """Read the transfer runs below the folders and write their tables into `out`, each file whole or not at all.

    UsageError where there are no runs, or where the pairing names a row that no run has; NoldoError for a result that
    cannot be read.
    """
    found = read_runs(folders)
    paired = differences(found.runs, pairing)
    tables = all_tables(found.runs, paired)
    notices = _notices(found, paired)
    figures = {f"label-efficiency-{name}": efficiency_lines(name, found.runs) for name in _datasets(found.runs)}
    drawn = {
        key: efficiency_figure(key.removeprefix("label-efficiency-"), lines) for key, lines in figures.items() if lines
    }
    texts = {
        "tables.md": markdown(TITLE, [*INTRODUCTION, *notices], tables),
        "tables.tex": latex([*INTRODUCTION, *notices], tables),
        "tables.html": page(TITLE, INTRODUCTION, notices, tables, {key: themed_svg(f) for key, f in drawn.items()}),
        "results.csv": results_csv(found.runs),
        "seeds.csv": seeds_csv(found.runs),
        "differences.csv": differences_csv(paired),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write_whole(out / name, text)
    write_json(out / "tables.json", _plain(tables, found, notices))
    return WrittenTables(tables, found, notices, tuple(out / name for name in (*texts, "tables.json")))


def all_tables(runs: Sequence[TransferRun], paired: Sequence[Difference]) -> tuple[Table, ...]:
    """Every table there is something for; those of the paper always."""
    names = _datasets(runs)
    own = [name for name in names if any(run.dataset == name for run in runs)]
    optional = [*(efficiency_table(name, runs) for name in own), *(difference_table(name, paired) for name in own)]
    return (
        *(transfer_table(name, runs) for name in names),
        ablation_table(runs),
        smoothing_table(runs),
        *(table for table in optional if table is not None),
        *(table for name in own for table in class_tables(name, runs)),
    )


def _datasets(runs: Sequence[TransferRun]) -> list[str]:
    """The paper's sets, and any other that a run is on."""
    return [*DATASETS, *sorted({run.dataset for run in runs} - set(DATASETS))]


def _notices(found: FoundRuns, paired: Sequence[Difference]) -> tuple[str, ...]:
    notices = [f"{folder} holds an unfinished run, which is in no table." for folder in found.unfinished]
    alike: dict[object, list[TransferRun]] = {}
    for run in found.runs:
        alike.setdefault((network(run), run.encoder, ground(run)), []).append(run)
    notices += [
        f"{len(runs)} runs are {row_name(runs[0])}, {runs[0].encoder}, on the same tiles; each has a row of its own, "
        f"named by its folder, and no label-efficiency curve: {', '.join(str(run.folder) for run in runs)}."
        for runs in alike.values()
        if len(runs) > 1
    ]
    notices += _unlike_trainings(found.runs)
    if any(run.made.emulated for run in found.runs):
        notices.append(
            "Rows of the source 'ours, emulated' were tested on a planet that the local emulator made up: they show "
            "that the comparison works, and say nothing about real land."
        )
    unknown = sum(run.made.emulated is None for run in found.runs)
    if unknown:
        notices.append(
            f"Of {unknown} runs it is not known whether their tiles are of real land or of the local emulator: the "
            "manifest of the test store is not where their record says."
        )
    if found.runs and not paired:
        notices.append("No two runs could be paired over seeds, so that there are no differences.")
    return tuple(notices)


def _unlike_trainings(runs: Sequence[TransferRun]) -> list[str]:
    """A sentence for each set and treatment of the encoder whose runs differ in how they learnt."""
    notices = []
    for place in dict.fromkeys((run.dataset, run.encoder) for run in runs):
        told = [dict(run.made.training) for run in runs if (run.dataset, run.encoder) == place and run.made.training]
        names = sorted({name for settings in told for name in settings})
        unlike = [name for name in names if len({settings.get(name) for settings in told}) > 1]
        if unlike:
            notices.append(
                f"The runs on {dataset_title(place[0])} with the encoder {place[1]} did not all learn alike: they "
                f"differ in {', '.join(unlike)}."
            )
    return notices


def _plain(tables: Sequence[Table], found: FoundRuns, notices: Sequence[str]) -> dict[str, Any]:
    return {
        "tables": [table.as_json() for table in tables],
        "runs": len(found.runs),
        "unfinished": [str(folder) for folder in found.unfinished],
        "published": PAPER,
        "notices": list(notices),
    }
