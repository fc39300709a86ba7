"""Frozen records of the OSM set's own stages: what its tiles were labelled, changed by hand, and put into."""

from dataclasses import dataclass
from typing import Literal

from pipeline.schema.errors import FailureKind
from pipeline.schema.tiles import Split


@dataclass(frozen=True)
class OsmLabelled:
    """What the land-use source said of one tile; the labels themselves are staged beside the table."""

    tile_id: str
    digest: str
    """Of the staged labels (pipeline/content.py); empty where there are none."""
    osm_share: float
    """Share of pixels with a label, 0..1."""
    lon_deg: float
    """Of the tile's middle."""
    lat_deg: float
    failure_kind: FailureKind | None = None
    """None where the source answered."""
    failure_message: str = ""


@dataclass(frozen=True)
class HandNote:
    """What a person did to one tile; published with the data set."""

    tile_id: str
    action: Literal["dropped", "corrected"]
    note: str
    """Of a dropped tile, what the list says of it; of a corrected one, the file's name."""
    sha256: str
    """Of the list, or of the corrected raster; hexadecimal."""
    changed: int
    """Pixels whose label the correction changed; 0 for a dropped tile."""
    accuracy_before: float | None
    """Overall accuracy of the labels as the source gave them, 0..1; None where no pixel has both labels."""
    accuracy_after: float | None
    """The same with the correction."""


@dataclass(frozen=True)
class SplitChoice:
    """Where a tile that passed the agreement check went."""

    tile_id: str
    published: Split
    """Split of the Dynamic World tile."""
    split: Literal["train", "test", ""]
    """Split of the new data set; empty where it was left out."""
    reason: str
    """Why it was left out, short and countable; empty where it was not."""
    detail: str


@dataclass(frozen=True)
class Nearness:
    """How near two sets of places come to each other, by their centres."""

    first: str
    """Name of a set, for example osm_test."""
    second: str
    first_count: int
    second_count: int
    reach_m: float
    """What counts as near, metres."""
    same: int
    """Places of the first set whose id the second has too."""
    near: int
    """Places of the first set that lie within reach of one of the second under another id."""
    nearest_m: float | None
    """Least distance between two places of different ids, metres along the sphere; None where a set is empty."""
    examples: tuple[str, ...]
    """A few of those near, 'id - id: metres'."""
