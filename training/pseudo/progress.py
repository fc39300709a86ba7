"""Where the making of pseudo-labels stands."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class PseudoProgress:
    """Told after a step of training and after a batch of labels."""

    stage: Literal["teacher", "labels"]
    done: int
    """Steps of training, or locations labelled."""
    total: int
    detail: str
    """For a person: the losses, say; may be empty."""
