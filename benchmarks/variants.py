"""`noldo bench variants`: the paper's variants on one store, each over some seeds, against the planet's truth."""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Final

from benchmarks.hardware import this_machine
from benchmarks.result import BenchmarkResult, Figure
from pipeline.schema.landcover import DW_CLASSES
from pipeline.schema.paths import AnyPath
from training.compute import choose_compute
from training.dataset import open_store, split_locations
from training.evaluate import evaluate
from training.pretrain import pretrain
from training.run_state import new_state
from training.settings import PretrainSettings
from training.shared_ground import ground_groups
from training.variants import RANDOM, VARIANTS, variant_settings

SCORES: Final = {"OA": "oa", "AA": "aa", "mIoU": "miou", "mF1": "mf1"}

CLASS_NAMES: Final = tuple(land_cover.name for land_cover in DW_CLASSES)

AUC: Final = "AUC"
"""Of the selection weights (eq. 11), telling right labels from wrong ones over all classes together."""


@dataclass(frozen=True)
class VariantsResult(BenchmarkResult):
    """The same as any benchmark's, shown as a table: a row a variant and modality, mean +- standard deviation."""

    def lines(self) -> list[str]:
        """For a person: the scores in per cent, then the selection's AUC by class."""
        settings = ", ".join(f"{key} {value}" for key, value in self.settings.items())
        table: dict[str, dict[str, str]] = defaultdict(dict)
        spread = {figure.name.removesuffix(", std"): figure.value for figure in self.figures}
        for figure in self.figures:
            row, _, score = figure.name.removesuffix(", mean").rpartition(", ")
            if figure.name.endswith(", mean"):
                table[row][score] = f"{figure.value:.1f} +- {spread[f'{row}, {score}']:.1f}"
        scores, classes = [*SCORES, AUC], [f"{AUC} {name}" for name in CLASS_NAMES]
        return [
            f"{self.theme} on {self.hardware.line}",
            f"  {settings}",
            "",
            *_table(table, scores),
            "",
            *_table({row: held for row, held in table.items() if any(c in held for c in classes)}, classes),
        ]


def bench_variants(
    store: AnyPath,
    truth: AnyPath,
    base: Mapping[str, Any],
    *,
    seeds: int = 3,
    variants: Sequence[str] = (),
    folder: Path | None = None,
    tell: Callable[[str], None] = print,
) -> VariantsResult:
    """Pretrain every variant with every seed 0..seeds-1 and score it on the locations that the seed holds out.

    `base` are pretraining settings that all share; `truth` is the true land cover of the store's rows. `variants`:
    some of VARIANTS, or none for all. Runs lie under `folder` and stay there, so that a second call goes on; in a
    temporary one, which is removed, without it. Raises ValueError for an unknown variant.
    """
    for name in variants:
        if name not in VARIANTS:
            raise ValueError(f"no variant is called {name!r}: give some of {', '.join(VARIANTS)}")
    chosen = [name for name in VARIANTS if not variants or name in variants]
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    with _kept_or_temporary(folder) as place:
        for seed in range(seeds):
            found[RANDOM].append(untrained(variant_settings(base, "CromSS-midF", seed), store, truth))
            for name in chosen:
                settings = variant_settings(base, name, seed)
                out = place / f"{name.replace(' ', '-')}-{seed}"
                done = pretrain(settings, store, out, reference=truth, resume=True, on_progress=lambda _: None)
                found[name].append(done.result)
                tell(f"{name}, seed {seed}: {', '.join(_in_short(done.result))}")
    shared = {key: value for key, value in base.items() if not isinstance(value, Mapping)}
    about = {"locations": open_store(store).locations, "seeds": seeds, **shared}
    return VariantsResult("variants", date.today(), this_machine(), about, tuple(figures(found)))


def untrained(settings: PretrainSettings, store: AnyPath, truth: AnyPath) -> Mapping[str, Any]:
    """The scores of the network that a run with these settings would begin with."""
    data = open_store(store)
    compute = choose_compute(settings)
    split = split_locations(data.locations, settings.val_fraction, settings.seed, ground_groups(data))
    network = new_state(settings, compute).network
    return evaluate(network, data, split, settings=settings, compute=compute, reference=truth).result


def figures(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Figure]:
    """Mean and standard deviation (of a sample) over the seeds, per cent, of every variant, modality and score."""
    for variant, results in found.items():
        for modality in ("s1", "s2"):
            per_score: dict[str, list[float]] = defaultdict(list)
            for result in results:
                for score, value in _scores(result, modality):
                    per_score[score].append(100 * value)
            for score, values in per_score.items():
                row = f"{variant}, {modality.upper()}, {score}"
                yield Figure(f"{row}, mean", mean(values), "%")
                yield Figure(f"{row}, std", stdev(values) if len(values) > 1 else 0.0, "%")


def _scores(result: Mapping[str, Any], modality: str) -> Iterator[tuple[str, float]]:
    """Scores and AUCs, 0..1, of a modality; none where the network does not see it."""
    held = result["scores"].get(f"network_{modality}")
    if held is None:
        return
    yield from ((score, held[key]) for score, key in SCORES.items())
    if result["selection_auc"][modality] is not None:
        yield AUC, result["selection_auc"][modality]
    for name, value in zip(CLASS_NAMES, result["selection_auc"]["per_class"][modality], strict=True):
        if value is not None:
            yield f"{AUC} {name}", value


def _in_short(result: Mapping[str, Any]) -> Iterator[str]:
    for modality in ("s1", "s2"):
        held = result["scores"].get(f"network_{modality}")
        if held is not None:
            yield f"{modality.upper()} mIoU {100 * held['miou']:.1f} %"


def _table(rows: Mapping[str, Mapping[str, str]], columns: Sequence[str]) -> list[str]:
    head = [column.removeprefix(f"{AUC} ") for column in columns]
    widths = [max(len(name), 12) for name in head]
    lines = ["  " + " " * 24 + " ".join(name.rjust(width) for name, width in zip(head, widths, strict=True))]
    for row, held in rows.items():
        cells = (held.get(column, "-").rjust(width) for column, width in zip(columns, widths, strict=True))
        lines.append(f"  {row:<24}" + " ".join(cells))
    return lines


@contextmanager
def _kept_or_temporary(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="noldo-variants-") as temporary:
        yield Path(temporary)
