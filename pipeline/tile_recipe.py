"""A recipe of kind 'dw': expert tiles of Dynamic World with the Sentinel-1 and -2 scenes that go with them."""

from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, model_validator

from pipeline.budget import BudgetSettings
from pipeline.fetch_tiles import FetchSettings
from pipeline.pairing import PairSettings
from pipeline.recipe import SourceSettings, canonical_digest
from pipeline.schema.release import Released
from pipeline.schema.strict import Strict
from pipeline.schema.tiles import SPLITS, Split
from pipeline.tile_store import TileStoreSettings

FREE_KEYS: Final = (
    "experts",  # its content counts, which the first part of the tiles knows
    "source.project",
    "source.url",
    "source.faults",
    "source.latency_s",
    "source.workload_tag",
    "source.pace",
    "fetch.concurrency",
    "fetch.max_failed_share",
    "budget",
)
"""Keys that may change between runs of one build: they decide how it runs, not what comes out."""


class ExpertSettings(Strict):
    """Where the published expert tiles lie: one folder, whose layout tells the split, or one a split."""

    folder: Path | None = None
    """Training and hold-out tiles, as they were unpacked."""
    train: Path | None = None
    """Training tiles (PANGAEA, doi 10.1594/PANGAEA.933475), the folder Experts or one above it."""
    test: Path | None = None
    """Hold-out tiles (Zenodo record 4766508)."""

    @model_validator(mode="after")
    def _one_way(self) -> "ExpertSettings":
        apart = self.train is not None or self.test is not None
        if (self.folder is None) != apart:
            raise ValueError("give either 'folder', or 'train' and 'test'")
        return self

    def folders(self) -> tuple[tuple[Path, Split | None], ...]:
        """Each folder, with the split that all of it is; None where the layout tells."""
        if self.folder is not None:
            return ((self.folder, None),)
        named: tuple[tuple[Path | None, Split], ...] = ((self.train, "train"), (self.test, "test"))
        return tuple((folder, split) for folder, split in named if folder is not None)

    def folder_of(self, split: Split) -> Path:
        """Where the tiles of a split were found; ValueError where there is no such folder."""
        found = self.folder or (self.train if split == "train" else self.test)
        if found is None:
            raise ValueError(f"there is no folder of {split} tiles")
        return found


class DwRecipe(Released):
    """Everything that decides the downstream set SSL4EO-S12@DW."""

    kind: Literal["dw"] = "dw"
    name: str = Field(default="dw", pattern=r"^[a-z][a-z0-9_]*$")
    """The stores are called after it, with _train and _test."""
    experts: ExpertSettings
    source: SourceSettings
    pair: PairSettings = PairSettings()
    fetch: FetchSettings = FetchSettings()
    store: TileStoreSettings = TileStoreSettings()
    budget: BudgetSettings = BudgetSettings()
    part_tiles: int = Field(default=64, gt=0)
    """Tiles to a part: the unit of work, of commit and of a scene query."""

    @property
    def stores(self) -> dict[Split, str]:
        """The name of each split's store."""
        return {split: f"{self.name}_{split}" for split in SPLITS}

    def located(self) -> "DwRecipe":
        """The same with absolute paths, for workers that run in another folder."""
        found = {key: path.resolve() for key, path in dict(self.experts).items() if path is not None}
        return self.model_copy(update={"experts": self.experts.model_copy(update=found)})

    def published(self) -> dict[str, Any]:
        """What decides the data set, without paths of this machine: not how it is fetched."""
        plain = self._deciding()
        plain["experts"] = {key: Path(path).name for key, path in plain["experts"].items() if path is not None}
        return plain

    def fetch_content(self) -> dict[str, Any]:
        """The fetch settings that decide the pixels; not how they are asked for."""
        return self.fetch.model_dump(mode="json", exclude={"concurrency", "max_failed_share"})

    def digest(self, tiles: str) -> str:
        """SHA-256 over the canonical form of what decides the data set, not of how it is fetched.

        `tiles` is the digest of the expert tiles: their content counts, not their paths.
        """
        plain = self._deciding()
        plain["experts"] = tiles
        plain["source"] = self.source.identity()
        return canonical_digest(plain)

    def _deciding(self) -> dict[str, Any]:
        plain = {key: value for key, value in self.described().items() if key not in ("part_tiles", "budget")}
        return {**plain, "fetch": self.fetch_content()}
