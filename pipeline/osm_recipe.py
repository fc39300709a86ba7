"""A recipe of kind 'osm': OpenStreetMap land use on the tiles of a finished set of expert labels."""

import hashlib
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, model_validator

from pipeline.agreement import AgreementSettings
from pipeline.inspection import InspectionSettings
from pipeline.leakage import LeakageSettings
from pipeline.osm import OsmSourceSettings
from pipeline.osm_rasters import OsmRasters, OsmRasterSettings
from pipeline.recipe import EmulatorSettings, canonical_digest
from pipeline.schema.release import Released
from pipeline.schema.tiles import SPLITS, Split
from pipeline.sources.wms_settings import WmsSettings
from pipeline.split import SplitSettings
from pipeline.tile_store import TileStoreSettings

FREE_KEYS: Final = (
    "tiles",  # its content counts, which the first part of the labels knows
    "inspection",  # likewise, part by part
    "leakage.pretraining",  # likewise, in the split
    "labels.folder",
    "labels.version",
    "labels.format",
    "labels.max_px",
    "labels.per_second",
    "labels.timeout_s",
    "labels.attempts",
    "labels.cache",
    "source.url",
    "source.faults",
    "source.latency_s",
    "source.pace",
    "max_failed_share",
)
"""Keys that may change between runs of one build: they decide how it runs, not what comes out."""

PATHS: Final = (
    ("tiles",),
    ("labels", "folder"),
    ("labels", "cache"),
    ("inspection", "drop"),
    ("inspection", "corrected"),
    ("leakage", "pretraining"),
)
"""Keys that hold paths of this machine."""


class OsmRecipe(Released):
    """Everything that decides the downstream set SSL4EO-S12@OSM."""

    kind: Literal["osm"] = "osm"
    name: str = Field(default="osm", pattern=r"^[a-z][a-z0-9_]*$")
    """The stores are called after it, with _train and _test."""
    tiles: str = Field(min_length=1)
    """Run directory of the expert tiles: images, Dynamic World labels and grids come from there."""
    labels: OsmSourceSettings
    source: EmulatorSettings | None = None
    """The emulator whose map service is asked, where `labels` names no other."""
    agreement: AgreementSettings = AgreementSettings()
    inspection: InspectionSettings = InspectionSettings()
    split: SplitSettings = SplitSettings()
    leakage: LeakageSettings = LeakageSettings()
    store: TileStoreSettings = TileStoreSettings()
    part_tiles: int = Field(default=16, gt=0)
    """Tiles to a part: the unit of commit. Labels are kept tile by tile."""
    max_failed_share: float = Field(default=0.0, ge=0, le=1)
    """Tiles whose land use the source refuses for good may be left out, up to this share of all."""

    @model_validator(mode="after")
    def _one_service(self) -> "OsmRecipe":
        own = isinstance(self.labels, WmsSettings) and self.labels.url is None
        if own and self.source is None:
            raise ValueError("labels.url is missing: the address of the map service")
        if self.source is not None and not own:
            raise ValueError("'source' is the emulator with a map service, but 'labels' names another; leave one out")
        return self

    @property
    def stores(self) -> dict[Split, str]:
        """The name of each split's store."""
        return {split: f"{self.name}_{split}" for split in SPLITS}

    def published(self) -> dict[str, Any]:
        """What decides the data set, without paths of this machine, or how a service was asked."""
        plain = self.described()
        for key in ("part_tiles", "max_failed_share"):
            plain.pop(key)
        if isinstance(self.labels, WmsSettings):
            plain["labels"] = self.labels.identity() | {"cache": None}
        for *parents, last in PATHS:
            holder = plain[parents[0]] if parents else plain
            if holder.get(last) is not None:
                holder[last] = Path(holder[last]).name
        if plain["source"] is None:
            plain.pop("source")
        return plain

    def labels_identity(self, rasters: str | None = None) -> dict[str, Any]:
        """What decides the land use on a grid; `rasters` is the digest of the files, where it comes from files."""
        emulator = None if self.source is None else self.source.identity()
        return {"labels": self.labels.identity(), "emulator": emulator, "rasters": rasters}

    def digest(self, made_from: Any) -> str:
        """SHA-256 over the canonical form of what decides the data set, not of how it is fetched.

        `made_from` is plain data that stands for the content of what the recipe names by path.
        """
        plain = self.described()
        plain["labels"] = self.labels.identity()
        plain["source"] = None if self.source is None else self.source.identity()
        plain["leakage"].pop("pretraining")
        for key in ("tiles", "inspection", "part_tiles", "max_failed_share"):
            plain.pop(key)
        return canonical_digest([plain, made_from])


def rasters_digest(settings: OsmRasterSettings) -> str:
    """SHA-256 over the names and the content of the land-use rasters; UsageError where there are none."""
    sums = []
    for path in OsmRasters(settings).paths:
        with path.open("rb") as file:
            sums.append([path.name, hashlib.file_digest(file, "sha256").hexdigest()])
    return canonical_digest(sums)
