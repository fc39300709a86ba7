from datetime import date
from pathlib import Path
from typing import Any

import pytest

from benchmarks.hardware import this_machine
from benchmarks.variants import CLASS_NAMES, VariantsResult, bench_variants, figures
from training.variants import VARIANTS

PER_CLASS = [0.5, None, *(0.25 for _ in range(len(CLASS_NAMES) - 2))]


def result(miou: float, modalities: tuple[str, ...] = ("s1", "s2")) -> dict[str, Any]:
    scores = {"oa": 0.5, "aa": 0.4, "miou": miou, "mf1": 0.3}
    return {
        "scores": {f"network_{m}": scores for m in modalities},
        "selection_auc": {**dict.fromkeys(modalities, 0.75), "per_class": dict.fromkeys(modalities, PER_CLASS)},
    }


def test_means_and_deviations_are_over_the_seeds() -> None:
    found = {figure.name: figure for figure in figures({"midF": [result(0.1), result(0.2), result(0.6)]})}
    assert found["midF, S2, mIoU, mean"].value == pytest.approx(30.0)
    assert found["midF, S2, mIoU, std"].value == pytest.approx(26.457513)  # of a sample: divided by n - 1
    assert found["midF, S1, OA, std"].value == 0.0
    assert found["midF, S1, AUC, mean"].value == 75.0
    assert found[f"midF, S1, AUC {CLASS_NAMES[0]}, mean"].value == 50.0
    assert f"midF, S1, AUC {CLASS_NAMES[1]}, mean" not in found, "all its labels are right, or all wrong"


def test_a_modality_that_a_network_does_not_see_has_no_row() -> None:
    names = [figure.name for figure in figures({"single-modal S1": [result(0.1, ("s1",))]})]
    assert names
    assert all(name.startswith("single-modal S1, S1, ") for name in names)


def test_the_table_holds_every_score_once() -> None:
    found = {"random": [result(0.1)], "midF": [result(0.2), result(0.4)]}
    shown = VariantsResult("variants", date(2026, 1, 2), this_machine(), {"seeds": 2}, tuple(figures(found)))
    lines = shown.lines()
    first = next(line for line in lines if line.strip().startswith("midF, S2"))
    assert " ".join(first.split()[2:]) == "50.0 +- 0.0 40.0 +- 0.0 30.0 +- 14.1 30.0 +- 0.0 75.0 +- 0.0"
    second = [line for line in lines if line.strip().startswith("midF, S2")][1]
    assert " ".join(second.split()[2:7]) == "50.0 +- 0.0 - 25.0"


def test_an_unknown_variant_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"earlyF.*CromSS-midF"):
        bench_variants(tmp_path, tmp_path, {}, variants=["earlyF"])
    assert not list(tmp_path.iterdir())


def test_every_variant_is_a_setting_of_its_own() -> None:
    assert len({repr(sorted(changes.items())) for changes in VARIANTS.values()}) == len(VARIANTS)
