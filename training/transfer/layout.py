"""Where things lie in the folder of a transfer run: the names that tables and figures rely on."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SeedLayout:
    """The paths of one repeat."""

    root: Path

    @property
    def log(self) -> Path:
        """One JSON object an epoch: epoch, train_loss, lr, seconds, tiles_per_s, data_wait_share."""
        return self.root / "log.jsonl"

    @property
    def checkpoint(self) -> Path:
        """State after the last epoch that ended, everything needed to go on; gone once the repeat is finished."""
        return self.root / "checkpoint-last.pt"

    @property
    def weights(self) -> Path:
        """The trained network's weights, named as smp's network names them behind 'net.'."""
        return self.root / "weights.safetensors"

    @property
    def result(self) -> Path:
        """The scores of the repeat (JSON)."""
        return self.root / "result.json"


@dataclass(frozen=True)
class TransferLayout:
    """The paths of one transfer run folder."""

    root: Path

    @property
    def record(self) -> Path:
        """Settings, stores and their digests, weights and what was loaded of them, code, hardware (JSON)."""
        return self.root / "transfer.json"

    @property
    def result(self) -> Path:
        """The scores of all repeats, their mean and standard deviation (JSON)."""
        return self.root / "result.json"

    @property
    def predictions(self) -> Path:
        """A few test tiles: row, image, label and the first repeat's prediction (npz)."""
        return self.root / "predictions.npz"

    def seed(self, seed: int) -> SeedLayout:
        """The folder of a repeat."""
        return SeedLayout(self.root / f"seed-{seed}")
