"""All that a manifest's documents say of a data set, before it is put into any format."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.schema.release import ReleaseSettings

Kind = Literal["pretraining", "dw", "osm", "dfc2020"]


@dataclass(frozen=True)
class ArrayDescribed:
    """One array of a store."""

    name: str
    dtype: str
    """NumPy's name, for example uint8."""
    shape: tuple[int, ...]
    """Rows first."""
    chunk: tuple[int, ...]
    """Inner chunk: what one read decodes."""
    shard_rows: int
    dimensions: tuple[str, ...]
    attributes: Mapping[str, Any]
    """CF attributes as stored."""
    digest: str
    """Content digest, 'sha256:...'."""


@dataclass(frozen=True)
class StoreDescribed:
    """One Zarr store."""

    name: str
    """For example nol, or dw_train."""
    path: str
    """Relative to the folder that holds manifest/ and store/, for example store/nol.zarr."""
    split: str
    """pretrain, train or test."""
    rows: int
    arrays: tuple[ArrayDescribed, ...]
    files: int
    bytes: int
    """Of its published files."""


@dataclass(frozen=True)
class FileDescribed:
    """One file of the manifest that is no document: an index, a table."""

    name: str
    """Within the manifest, for example index-train.parquet."""
    sha256: str
    """64 hexadecimal digits."""
    bytes: int


@dataclass(frozen=True)
class Extent:
    """Where and when the scenes lie, from the index; None where no row tells."""

    bbox: tuple[float, float, float, float] | None
    """West, south, east, north in degrees; west > east where the set crosses 180 degrees (RFC 7946, 5.2)."""
    first: datetime.datetime | None
    last: datetime.datetime | None
    """Of all Sentinel-2 and Sentinel-1 scenes, UTC."""
    epsg: tuple[int, ...]
    """Zones that patches lie in, ascending."""


@dataclass(frozen=True)
class Described:
    """A finished data set, as its documents tell of it."""

    kind: Kind
    release: ReleaseSettings
    date: datetime.date
    """The release's, or the day of writing."""
    stores: tuple[StoreDescribed, ...]
    locations: int
    seasons: int
    """Rows of the index a location: 4, or 1."""
    patch_px: int
    extent: Extent
    index_columns: Mapping[str, str]
    """Column of index.parquet -> Arrow's name of its type."""
    tables: Mapping[str, Mapping[str, str]]
    """Every other Parquet table of the manifest: file name -> column -> Arrow's name of its type."""
    files: tuple[FileDescribed, ...]
    """Indices and tables, by name."""
    provenance: Mapping[str, Any]
    """As in provenance.json."""
    statistics: Mapping[str, Any]
    """As in statistics.json."""
    funnel: Mapping[str, Any] | None
    """As in funnel.json; None where no filter is known, as of some imports."""

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits, each once, in the stores' order."""
        return tuple(dict.fromkeys(store.split for store in self.stores))
