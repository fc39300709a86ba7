"""What stays the same over a run."""

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.schema.layout import PretrainLayout
from training.compute import Compute
from training.dataset import Split, TrainingStore
from training.objective import Objective
from training.progress import PretrainProgress
from training.settings import PretrainSettings
from training.world import World


@dataclass(frozen=True)
class Run:
    """A run's parts, as every process of it has them."""

    settings: PretrainSettings
    objective: Objective
    store: TrainingStore
    split: Split
    compute: Compute
    world: World
    layout: PretrainLayout
    on_progress: Callable[[PretrainProgress], None]
    """Called on rank 0 only."""

    @property
    def reads_probabilities(self) -> bool:
        """Whether batches come with the class probabilities of their labels."""
        return self.objective.labels == "soft"

    @property
    def reads_confidence(self) -> bool:
        """Whether batches come with the confidences of their labels."""
        return self.objective.weigh_by_confidence
