"""The pretraining variants that the CromSS paper compares (arXiv 2405.01217, Table V)."""

from collections.abc import Mapping
from typing import Any, Final

from training.modality import MODALITIES, Modality
from training.settings import PretrainSettings

SINGLE_MODAL: Final = "single-modal"

FUSED: Final[Mapping[str, Mapping[str, Any]]] = {
    "midF": {"fusion": "mid", "objective": {"select": False}},
    "lateF": {"fusion": "late", "objective": {"select": False}},
    "CromSS-midF": {"fusion": "mid", "objective": {"select": True}},
    "CromSS-lateF": {"fusion": "late", "objective": {"select": True}},
}
"""Pretrained on both modalities at once."""

VARIANTS: Final[Mapping[str, Mapping[str, Any]]] = {
    **{f"{SINGLE_MODAL} {m.upper()}": {"modalities": m, "objective": {"select": False}} for m in MODALITIES},
    **FUSED,
}
"""What sets each apart from the settings that all share."""

RANDOM: Final = "random"
"""A network before any training, which the paper sets beside them."""


def variant_for(row: str, modality: Modality) -> str:
    """Name in VARIANTS of the pretraining behind a row of the paper's table for the images of one modality."""
    return f"{row} {modality.upper()}" if row == SINGLE_MODAL else row


def variant_settings(base: Mapping[str, Any], variant: str, seed: int) -> PretrainSettings:
    """The settings of a variant: those that all share, those that set it apart, and the seed.

    Raises KeyError for an unknown variant, pydantic's ValidationError for settings that cannot be.
    """
    apart = VARIANTS[variant]
    objective = {**base.get("objective", {}), **apart.get("objective", {})}
    return PretrainSettings.model_validate({**base, **apart, "objective": objective, "seed": seed})
