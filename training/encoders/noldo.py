"""Encoders of this project's own pretraining, and of the published CromSS checkpoints.

Names: training/checkpoint.py. Middle fusion keeps Sentinel-1's encoder as encoder1 and Sentinel-2's as encoder, late
fusion as model1.encoder and model2.encoder, a run of one modality as encoder; all behind 'net.' or bare.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from torch import Tensor, nn

from pipeline.schema.bands import S1_BANDS, S2_BANDS, S2_BANDS_9, Scaling
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import PretrainLayout
from training.checkpoint import PREFIX, KeyReport
from training.encoders.published import copy_weights
from training.encoders.random_weights import build_resnet
from training.encoders.spec import EncoderSpec, InputSpec
from training.encoders.ssl4eo_scaling import bands_by_number, scaled_input, ssl4eo_input
from training.json_file import read_json
from training.modality import Modality
from training.weight_files import read_weights

OWN: Final[Mapping[Modality, tuple[str, ...]]] = {"s1": ("encoder1.", "model1.encoder."), "s2": ("model2.encoder.",)}
"""Of two modalities, what stands before the names of one that the other cannot have."""

ONLY: Final = "encoder."
"""Before the names of Sentinel-2's encoder in middle fusion, and of the one encoder of one modality."""


def _input(modality: Modality, s2_bands: int | None, weights: Path | None) -> InputSpec:
    """Bands as the weights take them, scaled as the run.json beside them tells, else by SSL4EO-S12's statistics."""
    if weights is None:
        return ssl4eo_input(modality, s2_bands)
    found, prefix = _find(weights, modality)
    taken = _band_count(found, prefix, modality, weights)
    if modality == "s2" and s2_bands not in (None, taken):
        raise UsageError(f"s2_bands is {s2_bands}, but {weights} was pretrained on {taken}; leave s2_bands out")
    scaling = _stated_scaling(weights, modality)
    if scaling is None:
        return ssl4eo_input(modality, taken)
    return scaled_input(modality, scaling, S1_BANDS if modality == "s1" else bands_by_number(taken))


def _load(encoder: nn.Module, path: Path, modality: Modality) -> KeyReport:
    found, prefix = _find(path, modality)
    return copy_weights(encoder, found, path, prefixes=(prefix,))


def _find(path: Path, modality: Modality) -> tuple[dict[str, Tensor], str]:
    """Return the file's weights, and what stands before the names of the modality's encoder; UsageError without any."""
    found = read_weights(path)
    start = PREFIX if any(name.startswith(PREFIX) for name in found) else ""
    for before in (*OWN[modality], ONLY):
        if any(name.startswith(start + before) for name in found):
            return found, start + before
    first = min(found, default="nothing")
    raise UsageError(f"{path} has no encoder of {modality}: it has {first}, ...; give the weights of a pretraining run")


def _band_count(found: Mapping[str, Tensor], prefix: str, modality: Modality, path: Path) -> int:
    """Bands that the encoder's first convolution takes, the only one with as many inputs."""
    known = (len(S1_BANDS),) if modality == "s1" else (len(S2_BANDS), len(S2_BANDS_9))
    inputs = {weight.shape[1] for name, weight in found.items() if name.startswith(prefix) and weight.ndim == 4}
    taken = [count for count in known if count in inputs]
    if not taken:
        raise UsageError(
            f"{path}: no convolution of its encoder takes {' or '.join(map(str, known))} bands, as {modality} has;"
            " give weights that were pretrained on it"
        )
    return taken[0]


def _stated_scaling(path: Path, modality: Modality) -> Scaling | None:
    """The scaling in the run.json beside the weights; None where there is none."""
    record = PretrainLayout(path.parent).record
    stated: Any = read_json(record).get("scaling") if record.exists() else None
    if not isinstance(stated, Mapping) or modality not in stated:
        return None
    bands = S1_BANDS if modality == "s1" else S2_BANDS
    try:
        return Scaling.from_attributes({"bands": bands, "scaling": stated[modality]})
    except ValueError as error:
        raise UsageError(
            f"{record}: the scaling of {modality} does not read ({error}); use the run's own file"
        ) from error


NOLDO: Final = EncoderSpec(
    name="NoLDO",
    architecture=None,
    backbone=None,
    pretrained=True,
    source="a pretraining run of this project, or a published CromSS checkpoint (arXiv 2405.01217)",
    input_of=_input,
    build_with=build_resnet,
    load=_load,
)
