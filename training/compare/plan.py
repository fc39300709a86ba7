"""The runs of a comparison, planned before any is begun."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.schema.layout import PretrainLayout
from pipeline.schema.paths import AnyPath
from pipeline.schema.strict import validated
from training.compare.settings import CompareSettings
from training.modality import Modality
from training.settings import PretrainSettings
from training.transfer.settings import TransferSettings
from training.variants import RANDOM, variant_for, variant_settings


@dataclass(frozen=True)
class SetStores:
    """Where a downstream set lies."""

    train: AnyPath
    test: AnyPath


@dataclass(frozen=True)
class PretrainPlan:
    """One pretraining."""

    variant: str
    settings: PretrainSettings
    out: Path


@dataclass(frozen=True)
class TransferPlan:
    """One transfer run, of all its repeats."""

    name: str
    """Of its row."""
    settings: TransferSettings
    stores: SetStores
    weights: Path | None
    out: Path


@dataclass(frozen=True)
class ComparisonPlan:
    """Everything that is to be run, in this order."""

    pretrainings: tuple[PretrainPlan, ...]
    transfers: tuple[TransferPlan, ...]


def plan_comparison(settings: CompareSettings, stores: Mapping[str, SetStores], out: Path) -> ComparisonPlan:
    """Plan every run below `out`, transfers of one pretraining after another.

    `stores`: by the name of each set. UsageError for settings that a pretraining or a transfer refuses.
    """
    pretrainings: dict[str, PretrainPlan] = {}
    transfers: list[TransferPlan] = []
    for row in settings.rows:
        for modality in settings.inputs:
            weights = None
            if row != RANDOM:
                variant = variant_for(row, modality)
                if variant not in pretrainings:
                    pretrainings[variant] = _pretraining(settings, variant, out)
                weights = PretrainLayout(pretrainings[variant].out).weights
            transfers += _transfers(settings, stores, out, row, modality, weights)
    return ComparisonPlan(tuple(pretrainings.values()), tuple(transfers))


def _pretraining(settings: CompareSettings, variant: str, out: Path) -> PretrainPlan:
    validated(PretrainSettings, settings.pretrain, where="compare: pretrain")
    made = variant_settings(settings.pretrain, variant, settings.pretrain_seed)
    return PretrainPlan(variant, made, out / "pretrain" / variant.replace(" ", "-"))


def _transfers(
    settings: CompareSettings,
    stores: Mapping[str, SetStores],
    out: Path,
    row: str,
    modality: Modality,
    weights: Path | None,
) -> Iterator[TransferPlan]:
    for name, about in settings.sets.items():
        for mode in settings.modes:
            told: dict[str, Any] = {
                "encoder": settings.pretrain.get("encoder"),
                "s2_bands": settings.pretrain.get("s2_bands") if modality == "s2" else None,
                **settings.transfer,
                **about.transfer,
                "modality": modality,
                "source": RANDOM if weights is None else "noldo",
                "mode": mode,
                "seeds": settings.seeds,
            }
            checked = validated(TransferSettings, told, where=f"compare: transfer to {name}")
            folder = out / "transfer" / name / f"{row}-{modality}-{mode}"
            yield TransferPlan(row, checked, stores[name], weights, folder)
