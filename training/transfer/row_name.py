"""What tables call a transfer run whose user gives no name."""

from collections.abc import Mapping
from typing import Any

from training.encoders.spec import EncoderSpec
from training.variants import FUSED, SINGLE_MODAL


def row_name(spec: EncoderSpec, pretraining: Mapping[str, Any]) -> str:
    """Return the variant of the paper's Table V that the weights were pretrained as, else the encoder's name.

    `pretraining`: settings in the run.json beside the weights; empty where there is none.
    """
    if pretraining.get("modalities") in ("s1", "s2"):
        return SINGLE_MODAL
    objective = pretraining.get("objective")
    select = objective.get("select", True) if isinstance(objective, Mapping) else True
    for name, apart in FUSED.items():
        if pretraining.get("fusion") == apart["fusion"] and select == apart.get("objective", {}).get("select", True):
            return name
    return spec.name
