"""The encoders that transfer knows, by name."""

from difflib import get_close_matches
from typing import Final

from pipeline.schema.errors import UsageError
from training.encoders.dofa import DOFA
from training.encoders.imagenet import IMAGENET
from training.encoders.noldo import NOLDO
from training.encoders.random_weights import RANDOM
from training.encoders.resnets import DECUR, DINO, MOCO, SATLAS
from training.encoders.satmae import SATMAE, SATMAE_PP
from training.encoders.scale_mae import SCALE_MAE
from training.encoders.spec import EncoderSpec

ENCODERS: Final[tuple[EncoderSpec, ...]] = (
    SCALE_MAE, DOFA, SATMAE, SATMAE_PP, RANDOM, IMAGENET, SATLAS, DINO, MOCO, DECUR, NOLDO,
)  # fmt: skip
"""Every encoder, in the order of the paper's tables."""


def encoder_spec(name: str) -> EncoderSpec:
    """Return the encoder of that name, in whatever case; UsageError, with names like it, for an unknown one."""
    known = {spec.name.lower(): spec for spec in ENCODERS}
    if name.lower() in known:
        return known[name.lower()]
    near = get_close_matches(name.lower(), known, n=3) or list(known)
    raise UsageError(f"source is {name!r}, which is no known encoder; give another, such as {', '.join(near)}")
