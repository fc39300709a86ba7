"""What a comparison over noise rates can be told."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from pipeline.schema.strict import Strict
from training.settings import PretrainSettings

Share = Annotated[float, Field(gt=0.0, lt=1.0)]

OWN: Final = "own"
"""In the place of a rate: the labels as they are, with all of their mistakes."""

FEWEST_SAMPLES = 16
"""Below, the estimates of similarity are no more than chance."""


def _require_rising(rates: Sequence[float]) -> None:
    if any(low >= high for low, high in pairwise(rates)):
        raise ValueError(f"rates are {', '.join(map(str, rates))}; give them rising")


class _Noise(Strict):
    """What both kinds of noise have."""

    blob_px: Annotated[int, Field(ge=2)] = 16
    """Pixels from the centre of one blob of wrong labels to the next; a location's four seasons share the blobs."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Decides where the blobs lie, which come first, and what they are relabelled to."""


class PlanetNoise(_Noise):
    """The labels' own mistakes, as many of them as are asked for; stores with a known truth only."""

    kind: Literal["planet"] = "planet"
    rates: Annotated[tuple[Share | Literal["own"], ...], Field(min_length=1)] = (0.05, 0.1, 0.2, OWN)
    """Shares of the labelled pixels that are to be wrong, rising, at most the labels' own share; or own, at the end."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        _require_rising([rate for rate in self.rates if not isinstance(rate, str)])
        if OWN in self.rates[:-1]:
            raise ValueError("rates: 'own' is the highest rate, so it stands at the end")
        return self


class BlobNoise(_Noise):
    """Blobs of clean labels, relabelled to other classes."""

    kind: Literal["blobs"] = "blobs"
    rates: Annotated[tuple[Share, ...], Field(min_length=1)] = (0.1, 0.2, 0.3, 0.4, 0.5)
    """Shares of the labelled pixels that are relabelled, rising."""
    clean: Literal["labels", "truth"] = "labels"
    """What counts as clean: the labels as they are, all that a store of real places has; or a known truth."""
    transition: Literal["uniform", "frequency"] = "uniform"
    """Which other class a blob gives each class within it: any as likely, or as likely as it is frequent."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        _require_rising(self.rates)
        return self


class RobustnessSettings(Strict):
    """One network at several noise rates."""

    pretrain: PretrainSettings
    """How every network is trained. They differ in their labels alone: seed, initial weights, split, order, seasons
    and crops are the same. `label_source` names the labels that noise is made from."""
    noise: Annotated[PlanetNoise | BlobNoise, Field(discriminator="kind")] = PlanetNoise()
    """What the labels suffer."""
    samples: Annotated[int, Field(ge=FEWEST_SAMPLES)] = 20_000
    """Pixels of the held-out locations at which layers are compared, of each layer's own grid; fewer where a layer has
    fewer."""

    @model_validator(mode="after")
    def _one_modality_and_hard_labels(self) -> Self:
        if self.pretrain.modalities == "both":
            raise ValueError("pretrain.modalities is 'both'; networks of one modality are compared: give s1 or s2")
        if self.pretrain.objective.labels == "soft" or self.pretrain.objective.weigh_by_confidence:
            raise ValueError(
                "pretrain.objective asks for probabilities or confidences (labels, weigh_by_confidence), which labels "
                "made for this have not; leave both at their defaults"
            )
        return self
