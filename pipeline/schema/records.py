"""The frozen records that pass between stages. Times are UTC; nothing here does I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.schema.errors import FailureKind
from pipeline.schema.grid import PixelGrid

N_SEASONS = 4
"""Every location has four seasons or is not in the data set."""

ID_DIGITS: Final = 7
"""Of the ids of SSL4EO-S12's locations, which are numbers with zeros before them."""


@dataclass(frozen=True)
class Location:
    """A place on Earth and the patch to be cut there."""

    location_id: str
    """Unique in a data set; the published id where the list of locations brings one."""
    lon_deg: float
    """Longitude of the patch centre, EPSG:4326."""
    lat_deg: float
    """Latitude of the patch centre, EPSG:4326."""
    grid: PixelGrid
    """The patch's pixels; S2, S1 and labels all lie on it."""
    dates: tuple[datetime, ...] = ()
    """Four acquisition times that the list of locations asks for; empty where the recipe's seasons decide."""


@dataclass(frozen=True)
class TimeWindow:
    """A half-open interval of time, [start, end), with the moment to come closest to."""

    start: datetime
    end: datetime
    centre: datetime


@dataclass(frozen=True)
class S2Scene:
    """A Sentinel-2 L1C scene that contains a patch."""

    asset_id: str
    """For example COPERNICUS/S2_HARMONIZED/20200106T100401_20200106T100356_T33TWL."""
    time: datetime
    cloud_pct: float
    """CLOUDY_PIXEL_PERCENTAGE of the whole scene, 0..100."""
    baseline: str
    """Processing baseline, for example 04.00."""
    tile: str
    """MGRS tile, for example 33TWL."""
    dw_id: str | None
    """Asset id of the Dynamic World image with the same system:index, or None where there is none."""
    relative_orbit: int | None = None
    """SENSING_ORBIT_NUMBER, 1..143; None where the catalogue does not say."""
    platform: str | None = None
    """SPACECRAFT_NAME, for example Sentinel-2A; None where the catalogue does not say."""


@dataclass(frozen=True)
class S1Scene:
    """A Sentinel-1 GRD IW scene (VV and VH) that contains a patch."""

    asset_id: str
    time: datetime
    orbit_pass: str
    """ASCENDING or DESCENDING."""
    relative_orbit: int
    """1..175."""
    platform: str | None = None
    """For example S1A, as the asset id begins; None where it does not."""


@dataclass(frozen=True)
class SeasonMatch:
    """The scenes chosen for one season of one location, frozen: export reads nothing else."""

    location_id: str
    season: int
    """0..3, in the recipe's order."""
    s2_id: str | None
    s2_time: datetime | None
    s2_cloud_pct: float | None
    s2_baseline: str | None
    s2_tile: str | None
    s1_id: str | None
    s1_time: datetime | None
    s1_orbit_pass: str | None
    s1_relative_orbit: int | None
    dw_id: str | None
    s2_relative_orbit: int | None = None
    s2_platform: str | None = None
    s1_platform: str | None = None
    failure_kind: FailureKind | None = None
    """Why the source could not say which scenes there are; None where it could."""
    failure_message: str = ""

    @property
    def lacking(self) -> tuple[str, ...]:
        """All that this season lacks, of 'S2', 'DW' and 'S1' in that order.

        Labels and radar go with an optical scene: without one it lacks 'S2' and nothing else is asked. Where the
        scenes could not be had it lacks 'scenes'.
        """
        if self.failure_kind is not None:
            return ("scenes",)
        if self.s2_id is None:
            return ("S2",)
        return tuple(name for name, asset_id in (("DW", self.dw_id), ("S1", self.s1_id)) if asset_id is None)

    @property
    def lacks(self) -> str:
        """What this season lacks first, as in `lacking`; empty where nothing is lacking."""
        return next(iter(self.lacking), "")


@dataclass(frozen=True)
class Lack:
    """One thing that one season of a location lacks."""

    season: int
    what: str
    """A short, countable reason, as in Verdict, for example 'no DW label'."""


@dataclass(frozen=True)
class Verdict:
    """Whether a filter keeps a location, and why not."""

    location_id: str
    kept: bool
    reason: str
    """Short and countable, for the funnel, for example 'no DW label'; empty where kept."""
    detail: str
    """The particulars, for example 'season 2: valid share 0.31 < 0.60'; empty where kept."""
    lacking: tuple[Lack, ...] = ()
    """Everything that any season lacks, not only the reason; empty where kept."""


@dataclass(frozen=True)
class Failure:
    """One location that a stage could not finish, and whether to try it again."""

    location_id: str
    stage: str
    attempt: int
    """Attempts made, 1 or more."""
    kind: FailureKind
    message: str


@dataclass(frozen=True)
class Attempt:
    """One request to a source, successful or not: a line of events.jsonl."""

    stage: str
    location_id: str
    """The location, or the first of a batch."""
    attempt: int
    kind: str
    """'ok', or a FailureKind's value."""
    message: str
    milliseconds: float
    received_bytes: int


@dataclass(frozen=True)
class Patch:
    """The raw pixels of one location over its four seasons."""

    location_id: str
    s2: NDArray[np.uint16]
    """(4, 13, height, width) Sentinel-2 L1C digital numbers; 0 where not observed."""
    s1: NDArray[np.float32]
    """(4, 2, height, width) Sentinel-1 GRD backscatter, dB; S1_NODATA where not observed."""
    dw: NDArray[np.uint8]
    """(4, height, width) Dynamic World class 0..8; 255 where there is no label."""
    dw_prob: NDArray[np.uint8] | None = None
    """(4, 9, height, width) Dynamic World class probabilities x 255; all 0 where there is no label. None where the
    recipe does not ask for them."""


@dataclass(frozen=True)
class ExportRecord:
    """One location's row in its part of the staged tiles."""

    location_id: str
    tile_row: int
    """Row in tiles/part-NNNNN.zarr."""
    failure_kind: FailureKind | None
    """None where the pixels arrived."""
    failure_message: str


@dataclass(frozen=True)
class StoreRow:
    """One row of a training store, in store order."""

    row: int
    location_id: str
    tile_part: int
    """Staged part that holds the raw pixels."""
    tile_row: int


@dataclass(frozen=True)
class BandSum:
    """Sums over the observed pixels of one band, in the band's own unit (digital numbers, or dB)."""

    pixels: int
    total: float
    squares: float
    """Sum of the squared values."""
    lowest: float | None = None
    """None where no pixel was observed."""
    highest: float | None = None


@dataclass(frozen=True)
class SensorShift:
    """How far Sentinel-1 lies from Sentinel-2 in one season, estimated from the pixels."""

    east_m: float
    """Sentinel-1 lies this far east of Sentinel-2, metres."""
    south_m: float
    """Sentinel-1 lies this far south (down the rows) of Sentinel-2, metres."""
    confidence: float
    """Height of the correlation's peak above its mean, in its standard deviations; 0 where nothing could be said."""


@dataclass(frozen=True)
class LabelShare:
    """Of a QualityRecord, as much as the index tells: all of it takes 26 KB a location to keep."""

    location_id: str
    dw_valid_share: tuple[float, ...]
    """Per season, share of pixels with a label, 0..1."""


@dataclass(frozen=True)
class QualityRecord:
    """What the pixels of a location are worth, and the filter's verdict on it."""

    location_id: str
    kept: bool
    reason: str
    """As in Verdict."""
    detail: str
    dw_valid_share: tuple[float, ...]
    """Per season, share of pixels with a label, 0..1."""
    s2_valid_share: tuple[float, ...]
    """Per season, share of pixels observed in every band, 0..1."""
    s1_valid_share: tuple[float, ...]
    """Per season, share of pixels observed in both polarisations, 0..1."""
    dw_class_count: tuple[int, ...]
    """Pixels per Dynamic World class, all four seasons together."""
    s1_border_share: tuple[float, ...] = ()
    """Per season, share of pixels in strips of border noise, 0..1 (pipeline/checks/border.py)."""
    s2_dark_level: tuple[float, ...] = ()
    """Per season, digital number of the darkest band's dark pixels (pipeline/checks/offset.py)."""
    s1_shift: tuple[SensorShift, ...] = ()
    """Per season (pipeline/checks/shift.py)."""
    s2_sums: tuple[tuple[BandSum, ...], ...] = ()
    """Per season and band, of the raw digital numbers observed."""
    s1_sums: tuple[tuple[BandSum, ...], ...] = ()
    """Per season and polarisation, of the raw backscatter observed, dB."""
    lacking: tuple[Lack, ...] = ()
    """Everything that any season lacks, not only the reason; empty where kept."""


@dataclass(frozen=True)
class ShardRecord:
    """One finished shard of a training store: its rows as they were read back, and the raw pixels they came from."""

    shard: int
    first_row: int
    """Row of the store where the shard begins."""
    s2_digests: tuple[str, ...]
    """Per row, the digest of its decoded pixels (pipeline/content.py)."""
    s1_digests: tuple[str, ...]
    dw_digests: tuple[str, ...]
    class_count: tuple[tuple[int, ...], ...]
    """Per season, pixels of Dynamic World class 0..8 and, last, without a label."""
    class_pairs: tuple[tuple[int, ...], ...]
    """Per pair of seasons (0-1, 0-2, 0-3, 1-2, 1-3, 2-3), pixels by the first one's and then the second one's class,
    100 numbers; class 9 is no label."""
    s2_sums: tuple[tuple[BandSum, ...], ...]
    """Per season and band, of the raw digital numbers."""
    s1_sums: tuple[tuple[BandSum, ...], ...]
    """Per season and polarisation, of the raw backscatter."""
    s2_histogram: bytes
    """Per season, band and bin, pixels (pipeline/histograms.py)."""
    s1_histogram: bytes
    dw_prob_digests: tuple[str, ...] = ()
    """Empty where the store has no probabilities, like the next."""
    dw_prob_totals: tuple[tuple[int, ...], ...] = ()
    """Per season and class, sum of the stored probabilities, in steps of 1/255; a pixel without a label adds 0."""

    def row_digests(self, array: str) -> tuple[str, ...]:
        """The rows' digests of the array 's2', 's1', 'dw' or 'dw_prob'."""
        found: tuple[str, ...] = getattr(self, f"{array}_digests")
        return found


Arrays = Mapping[str, NDArray[np.generic]]
"""Named arrays, as a source returns them."""
