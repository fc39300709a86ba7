"""Where things lie in a run directory and in a store: the names that other programs rely on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.schema.paths import AnyPath

ADDED_LABELS: Final = "labels"
"""Group within a pretraining store for label arrays that were added once it was finished, each of the store's rows.

They are no part of the data set: neither its digests and checksums nor its arrays count them."""


@dataclass(frozen=True)
class RunLayout:
    """The paths of one run directory."""

    root: AnyPath

    @property
    def recipe(self) -> AnyPath:
        """The recipe as it was run, defaults filled in."""
        return self.root / "recipe.yaml"

    @property
    def events(self) -> AnyPath:
        """One JSON object a line for every request and every stage."""
        return self.root / "events.jsonl"

    @property
    def report(self) -> AnyPath:
        """The report page."""
        return self.root / "report.html"

    @property
    def live(self) -> AnyPath:
        """The page that tells how the build stands while it runs."""
        return self.root / "live.html"

    @property
    def manifest(self) -> AnyPath:
        """The publishable description of the data set."""
        return self.root / "manifest"

    @property
    def index(self) -> AnyPath:
        """The GeoParquet index: a row per location and season."""
        return self.manifest / "index.parquet"

    @property
    def truth(self) -> AnyPath:
        """Emulator runs only: the planet's true land cover, array `truth` (N, 4, 264, 264) uint8, rows as stored."""
        return self.root / "diagnostics" / "truth.zarr"

    @property
    def pretrain(self) -> AnyPath:
        """The pretraining run that belongs to this build."""
        return self.root / "pretrain"

    def table(self, stage: str, part: int) -> AnyPath:
        """A stage's committed table part."""
        return self.root / "tables" / stage / f"part-{part:05d}.parquet"

    def tile(self, part: int) -> AnyPath:
        """The staged raw pixels of a part."""
        return self.root / "tiles" / f"part-{part:05d}.zarr"

    def staged_tile(self, part: int, tile_id: str) -> AnyPath:
        """The staged raw pixels and labels of one tile of a downstream build."""
        return self.root / "tiles" / f"part-{part:05d}" / f"{tile_id}.npz"

    def store(self, name: str) -> AnyPath:
        """A training or downstream store."""
        return self.root / "store" / f"{name}.zarr"


@dataclass(frozen=True)
class PretrainLayout:
    """The paths of one pretraining run folder."""

    root: Path

    @property
    def log(self) -> Path:
        """One JSON object an epoch: epoch, train_loss, val_loss, lr, seconds, locations_per_s, data_wait_share."""
        return self.root / "log.jsonl"

    @property
    def record(self) -> Path:
        """Settings, code version, store digest, hardware (JSON)."""
        return self.root / "run.json"

    @property
    def recipe(self) -> Path:
        """The settings as a recipe that runs it again, defaults filled in."""
        return self.root / "recipe.yaml"

    @property
    def tensorboard(self) -> Path:
        """Folder of TensorBoard's event files."""
        return self.root / "tensorboard"

    @property
    def result(self) -> Path:
        """The final scores (JSON)."""
        return self.root / "result.json"

    @property
    def checkpoint(self) -> Path:
        """The last state, everything needed to resume."""
        return self.root / "checkpoint-last.pt"

    @property
    def weights(self) -> Path:
        """The network's weights under the published parameter names."""
        return self.root / "weights.safetensors"

    @property
    def epochs(self) -> Path:
        """Folder of the networks of earlier epochs, of runs with the setting keep_every only."""
        return self.root / "epochs"

    def kept_weights(self, epoch: int) -> Path:
        """The weights after so many epochs, named as in `weights`; 0: of the network before its first step."""
        return self.epochs / f"weights-{epoch:04d}.safetensors"

    @property
    def published_weights(self) -> Path:
        """The same in a file of the kind that CromSS was published in."""
        return self.root / "weights.ckpt"

    @property
    def masks(self) -> Path:
        """Selection masks of a few locations, for the report (npz; see training/evaluate.py)."""
        return self.root / "masks.npz"
