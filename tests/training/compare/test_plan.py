"""A comparison is planned whole: every row, input, mode and set once, each variant pretrained once."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.schema.errors import UsageError
from pipeline.schema.strict import validated
from training.compare.plan import ComparisonPlan, SetStores, plan_comparison
from training.compare.settings import CompareSettings

SETS = {name: {"store": f"runs/{name}"} for name in ("dw", "osm")}


def plan(tmp_path: Path, **told: Any) -> ComparisonPlan:
    settings = validated(CompareSettings, {"store": "runs/nol", "sets": SETS, **told}, where="compare")
    stores = {
        name: SetStores(tmp_path / f"{name}_train.zarr", tmp_path / f"{name}_test.zarr") for name in settings.sets
    }
    return plan_comparison(settings, stores, tmp_path)


def test_every_cell_of_the_table_is_run_once_and_every_variant_pretrained_once(tmp_path: Path) -> None:
    planned = plan(tmp_path)
    assert [run.variant for run in planned.pretrainings] == [
        "single-modal S1", "single-modal S2", "midF", "lateF", "CromSS-midF", "CromSS-lateF"
    ]  # fmt: skip
    cells = Counter(
        (run.name, run.settings.modality, run.settings.mode, run.out.parent.name) for run in planned.transfers
    )
    assert len(cells) == 6 * 2 * 2 * 2
    assert set(cells.values()) == {1}
    assert len({run.out for run in planned.transfers}) == len(planned.transfers)


def test_a_transfer_starts_from_the_pretraining_of_its_row(tmp_path: Path) -> None:
    planned = plan(tmp_path)
    made = {run.out / "weights.safetensors": run for run in planned.pretrainings}
    for run in planned.transfers:
        if run.name == "random":
            assert (run.weights, run.settings.source) == (None, "random")
            continue
        assert run.weights is not None
        behind = made[run.weights].settings
        assert behind.modalities == (run.settings.modality if run.name == "single-modal" else "both")
        assert behind.objective.select == run.name.startswith("CromSS")
        if run.name != "single-modal":
            assert behind.fusion == ("mid" if run.name.endswith("midF") else "late")


def test_what_all_share_and_what_a_set_is_told_come_together(tmp_path: Path) -> None:
    sets = {"dw": {"store": "x", "transfer": {"framework": "fpn", "epochs": 4}}}
    shared = {"epochs": 9, "cosine_epochs": 3}
    planned = plan(tmp_path, sets=sets, transfer=shared, inputs=["s2"], rows=["random"], seeds=2)
    told = [run.settings for run in planned.transfers]
    assert {(s.framework, s.epochs, s.cosine_epochs, s.seeds) for s in told} == {("fpn", 4, 3, 2)}
    assert not planned.pretrainings


def test_the_random_network_is_the_pretrained_ones_but_for_its_weights(tmp_path: Path) -> None:
    planned = plan(tmp_path, pretrain={"encoder": "resnet18", "s2_bands": 9})
    assert {run.settings.encoder for run in planned.transfers} == {"resnet18"}
    assert {(run.settings.modality, run.settings.s2_bands) for run in planned.transfers} == {("s1", None), ("s2", 9)}


def test_cromss_selects_whatever_all_share(tmp_path: Path) -> None:
    planned = plan(tmp_path, pretrain={"objective": {"select": False, "ramp_epochs": 3}})
    selects = {run.variant: run.settings.objective.select for run in planned.pretrainings}
    assert {variant for variant, select in selects.items() if select} == {"CromSS-midF", "CromSS-lateF"}
    assert {run.settings.objective.ramp_epochs for run in planned.pretrainings} == {3}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"transfer": {"mode": "frozen"}}, "transfer sets mode, which the comparison varies"),
        ({"sets": {"dw": {"store": "x", "transfer": {"seeds": 2}}}}, "sets.dw sets seeds"),
        ({"pretrain": {"fusion": "mid"}}, "pretrain sets fusion"),
        ({"pretrain": {"epocs": 3}}, "unknown key 'epocs'"),
        ({"transfer": {"epocs": 3}}, "unknown key 'epocs'"),
        ({"rows": ["MoCo"]}, "rows"),
        ({"transfer": {"encoder": "resnet18"}}, "transfer sets encoder to 'resnet18', pretrain to None"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(tmp_path: Path, told: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        plan(tmp_path, **told)
