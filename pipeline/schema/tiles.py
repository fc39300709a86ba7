"""Frozen records of the downstream sets: expert tiles, their partners in Sentinel-1 and -2, their OSM labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.schema.errors import FailureKind
from pipeline.schema.grid import PixelGrid
from pipeline.schema.records import BandSum

Split = Literal["train", "test"]

SPLITS: Final[tuple[Split, ...]] = ("train", "test")

EXPERT_PX: Final[Mapping[Split, int]] = {"train": 510, "test": 512}
"""Sides of the published training and hold-out tiles, pixels (Brown et al. 2022, doi 10.1038/s41597-022-01307-4)."""

EXPERT_UNMARKED: Final = 0
EXPERT_CLOUD: Final = 10
"""Published values beside the classes 1..9 (PANGAEA 933475, README): left unmarked, and cloud."""


@dataclass(frozen=True)
class ExpertTile:
    """One expert-labelled Dynamic World tile as it lies on disk (Brown et al. 2022, doi 10.1038/s41597-022-01307-4)."""

    tile_id: str
    """The file's name without its ending, for example dw_-63.0521_-17.5127-20190704; unique in a data set."""
    split: Split
    """Of the published layout: training tile, or hold-out tile (consensus of the experts)."""
    day: datetime
    """Midnight UTC of the day in the file's name: of the Sentinel-2 scene that was labelled."""
    grid: PixelGrid
    """The tile's own pixels, 510 x 510 or 512 x 512 at 10 m."""
    file: str
    """Path in the folder of expert tiles, with forward slashes."""
    sha256: str
    """Of the file, hexadecimal."""
    hemisphere: str
    """As the layout's folder says, for example Western_Hemisphere; empty where it does not."""
    biome: str
    """As the layout's folder says; empty where it does not."""
    class_count: tuple[int, ...]
    """Pixels of Dynamic World class 0..8."""
    ignored: int
    """Pixels without a label: unmarked, or cloud."""


@dataclass(frozen=True)
class UnusableTile:
    """A file in the folder of expert tiles that is no usable tile, and why."""

    file: str
    reason: str
    """Short and countable."""
    detail: str


@dataclass(frozen=True)
class TilePair:
    """The scenes chosen for one tile, frozen: fetching reads nothing else."""

    tile_id: str
    s2_id: str | None = None
    s2_time: datetime | None = None
    s2_cloud_pct: float | None = None
    s2_baseline: str | None = None
    s2_tile: str | None = None
    s2_relative_orbit: int | None = None
    s2_platform: str | None = None
    s1_id: str | None = None
    s1_time: datetime | None = None
    s1_orbit_pass: str | None = None
    s1_relative_orbit: int | None = None
    s1_platform: str | None = None
    reason: str = ""
    """Why the tile could not be paired, short and countable, for example 'no S2 scene'; empty where it was."""
    detail: str = ""
    failure_kind: FailureKind | None = None
    """Why the source could not say which scenes there are; None where it could."""
    failure_message: str = ""


@dataclass(frozen=True)
class FetchedTile:
    """What became of the pixels of one paired tile."""

    tile_id: str
    kept: bool
    reason: str
    """As in Verdict; empty where kept."""
    detail: str
    s2_valid_share: float
    """Share of pixels observed in every band, 0..1."""
    s1_valid_share: float
    failure_kind: FailureKind | None = None
    """None where the pixels arrived."""
    failure_message: str = ""


@dataclass(frozen=True)
class DroppedTile:
    """A tile that a data set does not hold, and why."""

    tile_id: str
    """Or the file's path, where the file is no tile."""
    split: str
    """As in ExpertTile; empty where it is not known."""
    stage: str
    """That dropped it, for example 'pair'."""
    reason: str
    """As in Verdict."""
    detail: str


TileArrays = Mapping[str, NDArray[np.generic]]
"""One tile's pixels: s2 uint16 (13, H, W) L1C digital numbers, 0 where not
observed; s1 float32 (2, H, W) dB, S1_NODATA where not observed; dw uint8 (H, W) class 0..8 or IGNORE; osm uint8 (H, W)
OSM land-use class 1..13 or IGNORE; dfc uint8 (H, W) class 0..7 of DFC2020 or IGNORE."""


@dataclass(frozen=True)
class TileRow:
    """One row of a downstream store."""

    row: int
    tile_id: str
    grid: PixelGrid
    """Of the row's pixels: the tile's, moved out where the tile was padded to the store's size."""


@dataclass(frozen=True)
class TileAgreement:
    """OpenStreetMap land use against Dynamic World on one tile."""

    tile_id: str
    split: Split
    """Of the published layout."""
    overall_accuracy: float | None
    """Share of the pixels that both label where the OSM class admits the DW class, 0..1; None where there are none."""
    coverage: float
    """Share of all pixels that both label, 0..1."""
    osm_share: float
    """Share of all pixels with an OSM label, 0..1."""
    confusion: tuple[int, ...]
    """13 x 9 pixels, rows OSM class 1..13, columns DW class 0..8, row by row."""
    kept: bool
    reason: str
    """As in Verdict."""
    detail: str
    corrected: bool = False
    """Whether the OSM labels are those of a raster corrected by hand."""


@dataclass(frozen=True)
class RowDigests:
    """One array's rows in one shard of a downstream store."""

    array: str
    digests: tuple[str, ...]
    """Per row, the digest of its decoded values (pipeline/content.py)."""


@dataclass(frozen=True)
class LabelCount:
    """How often each class of one label array comes."""

    array: str
    pixels: tuple[int, ...]
    """Per class, in the order of its legend, and last without a label."""


@dataclass(frozen=True)
class TileShardRecord:
    """One finished shard of a downstream store: its rows as they were read back, and what they hold."""

    shard: int
    first_row: int
    """Row of the store where the shard begins."""
    arrays: tuple[RowDigests, ...]
    """Of every array of the store."""
    labels: tuple[LabelCount, ...]
    """Of every label array of the store."""
    labelled_px: tuple[int, ...]
    """Per row, pixels that `ignore` leaves."""
    s2_sums: tuple[BandSum, ...]
    """Per band, of the raw digital numbers observed."""
    s1_sums: tuple[BandSum, ...]
    """Per polarisation, of the raw backscatter observed, dB."""
    s2_histogram: bytes = b""
    """Per band and bin, pixels (pipeline/histograms.py); empty in records of earlier versions, like the next."""
    s1_histogram: bytes = b""

    def row_digests(self, array: str) -> tuple[str, ...]:
        """The rows' digests of one array of the store; none of an array that the shard has not."""
        return next((found.digests for found in self.arrays if found.array == array), ())
