"""What decides which locations a run held out, to tell whether several runs held out the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from training.settings import PretrainSettings


@dataclass(frozen=True)
class HeldOutAs:
    """Runs that agree in all of this held out the same rows (training.dataset.split_locations)."""

    store_digest: str | None
    """Of the store that was split; None where the run's record does not say."""
    split: str | None
    """Whether patches that overlap were kept on one side, as run.json says it."""
    val_fraction: float
    seed: int

    @classmethod
    def of_run(cls, record: Mapping[str, Any], settings: PretrainSettings) -> Self:
        """Of a run by its run.json, and the settings that this states."""
        return cls(record.get("store_digest"), record.get("split"), settings.val_fraction, settings.seed)
