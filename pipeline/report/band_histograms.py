"""Histograms of raw pixels a band, from a store's statistics or from its shards' records."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.files import listed
from pipeline.histograms import S1_EDGES, S2_EDGES, add_up
from pipeline.parts import readable
from pipeline.report.label_counts import open_array
from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.errors import NoldoError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath
from pipeline.store_statistics import GROUP

SENSOR_BANDS: Final[Mapping[str, tuple[str, ...]]] = {"s2": S2_BANDS, "s1": S1_BANDS}
EDGES: Final[Mapping[str, NDArray[np.float64]]] = {"s2": S2_EDGES, "s1": S1_EDGES}


@dataclass(frozen=True)
class SensorHistogram:
    """One sensor's observed pixels."""

    bands: tuple[str, ...]
    counts: NDArray[np.int64]
    """(seasons, bands, bins); one season where there are none."""
    edges: NDArray[np.float64]
    """(bins + 1,), in the sensor's unit."""


def store_histograms(store: AnyPath) -> dict[str, SensorHistogram]:
    """By sensor, from the statistics beside a pretraining store's arrays; empty where it has none.

    Raises NoldoError where they cannot be read.
    """
    group = store / GROUP
    if not (group / "zarr.json").is_file():
        return {}
    found = {}
    for sensor, bands in SENSOR_BANDS.items():
        counts, edges = (open_array(group, f"{sensor}_{name}") for name in ("histogram", "bin_edges"))
        found[sensor] = SensorHistogram(bands, np.asarray(counts[:], np.int64), np.asarray(edges[:], np.float64))
    return found


def tile_histograms(run: RunLayout) -> dict[str, SensorHistogram]:
    """By sensor, added up from the records of all shards of a downstream set; empty where these keep none.

    Raises NoldoError where they cannot be read.
    """
    packed: dict[str, list[bytes]] = {sensor: [] for sensor in SENSOR_BANDS}
    for path in listed(run.root / "tables", "pack*/part-*.parquet"):
        columns = {sensor: f"{sensor}_histogram" for sensor in SENSOR_BANDS}
        try:
            file = pq.ParquetFile(readable(path))
            if not set(columns.values()) <= set(file.schema_arrow.names):
                return {}
            table = file.read(columns=list(columns.values()))
        except (OSError, pa.ArrowException) as error:
            raise NoldoError(f"{path.parent.name}/{path.name} cannot be read ({error}).") from error
        for sensor, column in columns.items():
            packed[sensor] += table[column].to_pylist()
    if not packed["s2"] or not all(all(histograms) for histograms in packed.values()):
        return {}
    return {
        sensor: SensorHistogram(bands, add_up(packed[sensor], 1, len(bands)), EDGES[sensor])
        for sensor, bands in SENSOR_BANDS.items()
    }


def share_below(
    counts_b: NDArray[np.int64], edges: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share of the pixels of one histogram (bins,) that lie below each value, 0..1; values lie evenly in a bin."""
    below = np.concatenate([[0], np.cumsum(counts_b)])
    shares: NDArray[np.float64] = np.interp(values, edges, below) / max(int(below[-1]), 1)
    return shares
