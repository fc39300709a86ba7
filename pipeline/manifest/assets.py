"""Every source asset of a data set, once: which scenes its pixels are of, and how many rows of the index show each."""

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

ASSETS_FILE: Final = "assets.parquet"
"""In the manifest."""

SCHEMA: Final = pa.schema(
    {
        "asset_id": pa.string(),
        "collection": pa.string(),
        "sensor": pa.string(),
        "datetime": pa.timestamp("us", tz="UTC"),
        "processing_baseline": pa.string(),
        "rows": pa.int64(),
    }
)
"""collection is what stands before the asset's own name, null where its id names none; sensor is S2, S1 or DW, whose
time is that of its Sentinel-2 scene; only S2 has a processing baseline; rows counts rows of the index."""

_SENSORS: Final = {
    "S2": ("s2_id", "s2_datetime", "processing_baseline"),
    "S1": ("s1_id", "s1_datetime", None),
    "DW": ("dw_id", "s2_datetime", None),
}


def asset_table(index: pa.Table) -> pa.Table:
    """The assets of an index, in order of sensor (S2, S1, DW) and id; rows of others' files may tell of none."""
    return pa.concat_tables(_of_sensor(index, sensor, *columns) for sensor, columns in _SENSORS.items())


def _of_sensor(index: pa.Table, sensor: str, asset: str, time: str, baseline: str | None) -> pa.Table:
    columns: dict[str, Any] = {"asset_id": index[asset], "datetime": index[time]}
    columns["processing_baseline"] = index[baseline] if baseline else pa.nulls(len(index), pa.string())
    known = pa.table(columns).filter(pc.is_valid(index[asset]))
    grouped = known.group_by("asset_id").aggregate(
        [("datetime", "min"), ("processing_baseline", "min"), ([], "count_all")]
    )
    found = grouped.sort_by("asset_id")
    columns = {
        "asset_id": found["asset_id"],
        "collection": _collection(found["asset_id"]),
        "sensor": pa.repeat(sensor, len(found)),
        "datetime": found["datetime_min"],
        "processing_baseline": found["processing_baseline_min"],
        "rows": found["count_all"],
    }
    return pa.table([columns[name].cast(kind) for name, kind in zip(SCHEMA.names, SCHEMA.types, strict=True)], SCHEMA)


def _collection(asset_id: pa.ChunkedArray) -> pa.ChunkedArray:
    named = pc.replace_substring_regex(asset_id, r"/[^/]*$", "")
    return pc.if_else(pc.match_substring(asset_id, "/"), named, pa.scalar(None, pa.string()))
