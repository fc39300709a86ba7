"""What a comparison can be told."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from pipeline.schema.strict import Strict
from training.settings import Count
from training.variants import FUSED, RANDOM, SINGLE_MODAL

Row = Literal["random", "single-modal", "midF", "lateF", "CromSS-midF", "CromSS-lateF"]
"""Rows of the paper's Table V."""

ROWS: tuple[Row, ...] = ("random", "single-modal", "midF", "lateF", "CromSS-midF", "CromSS-lateF")


class SetSettings(Strict):
    """One downstream set."""

    store: str
    """The run directory of its build or import, with a store whose name ends in _train and one in _test."""
    transfer: dict[str, Any] = Field(default_factory=dict)
    """What its transfer is told beside what all are, for example the framework."""


class CompareSettings(Strict):
    """A comparison: rows x inputs x modes x sets."""

    store: str
    """Run directory or store to pretrain on."""
    pretrain: dict[str, Any] = Field(default_factory=dict)
    """What every pretraining is told; keys of a recipe's `pretrain` section, but modalities, fusion and seed."""
    pretrain_seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Of the one pretraining behind each row: repeats are of the transfer, as in the paper."""
    transfer: dict[str, Any] = Field(default_factory=dict)
    """What every transfer is told; keys of a recipe's `transfer` section, but modality, source, mode and seeds."""
    sets: Annotated[dict[str, SetSettings], Field(min_length=1)]
    """The downstream sets by a short name, which their folders get."""
    rows: Annotated[tuple[Row, ...], Field(min_length=1)] = ROWS
    """What is compared."""
    inputs: Annotated[tuple[Literal["s1", "s2"], ...], Field(min_length=1)] = ("s1", "s2")
    """The images that the transferred networks see."""
    modes: Annotated[tuple[Literal["frozen", "fine-tuned"], ...], Field(min_length=1)] = ("frozen", "fine-tuned")
    """What becomes of the encoder."""
    seeds: Count = 3
    """Repeats of each transfer."""

    @model_validator(mode="after")
    def _ours_alone(self) -> Self:
        taken = {"modality", "source", "mode", "seeds"}
        for where, told in (("transfer", self.transfer), *((f"sets.{n}", s.transfer) for n, s in self.sets.items())):
            if both := sorted(taken & told.keys()):
                raise ValueError(f"{where} sets {both[0]}, which the comparison varies; leave it out")
            for key in ("encoder", "s2_bands"):
                own, theirs = told.get(key), self.pretrain.get(key)
                if own is not None and own != theirs:
                    raise ValueError(f"{where} sets {key} to {own!r}, pretrain to {theirs!r}; set it in pretrain alone")
        if both := sorted({"modalities", "fusion", "seed"} & self.pretrain.keys()):
            raise ValueError(f"pretrain sets {both[0]}, which the comparison varies; leave it out")
        return self


assert set(ROWS) == {RANDOM, SINGLE_MODAL, *FUSED}
