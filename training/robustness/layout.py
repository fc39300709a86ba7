"""Where the files of a comparison lie."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RobustnessLayout:
    """The paths of one comparison's folder."""

    root: Path

    @property
    def labels(self) -> Path:
        """Folder of the label arrays."""
        return self.root / "labels"

    def network(self, name: str) -> Path:
        """The pretraining run on the labels of that name."""
        return self.root / "networks" / name

    @property
    def result(self) -> Path:
        """Everything that was found, and what decided it (JSON)."""
        return self.root / "result.json"

    @property
    def markdown(self) -> Path:
        """The tables for people."""
        return self.root / "robustness.md"

    @property
    def layers(self) -> Path:
        """A line for each layer of each noisy network (CSV)."""
        return self.root / "layers.csv"

    @property
    def networks(self) -> Path:
        """A line for each network (CSV)."""
        return self.root / "networks.csv"

    def figure(self, suffix: str) -> Path:
        """The figure, png or svg."""
        return self.root / f"robustness.{suffix}"
