"""The record sets of croissant.json: one a table, one a legend, and the splits."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from pipeline.manifest.described import Described
from pipeline.tile_arrays import LEGENDS

INDEX: Final = "index.parquet"
SAMPLES: Final = "samples"

_LIST: Final = re.compile(r"^(?:large_)?list<\w+: (.+?)(?: not null)?>$")

_TYPES: Final = (
    (re.compile(r"^u?int\d+$"), "sc:Integer"),
    (re.compile(r"^(float|double|halffloat)$"), "sc:Float"),
    (re.compile(r"^bool$"), "sc:Boolean"),
    (re.compile(r"^timestamp\["), "sc:DateTime"),
    (re.compile(r"^date"), "sc:Date"),
    (re.compile(r"^(large_)?string$|^fixed_size_binary\["), "sc:Text"),
)
"""Arrow's name of a type -> Croissant's. A geometry has none: Croissant 1.1 knows no type for WKB."""

_SPLITS: Final = {"pretrain": "cr:TrainingSplit", "train": "cr:TrainingSplit", "test": "cr:TestSplit"}

COLUMNS: Final[Mapping[str, str]] = {
    "location_id": "Location, or tile",
    "season": "Season 0..3, in the order of the recipe's anchors; 0 of a tile",
    "split": "Split that the row belongs to",
    "store": "Path of the Zarr store, relative to the folder that holds manifest/ and store/",
    "row": "Row of the store",
    "s2_id": "Asset id of the Sentinel-2 scene",
    "s1_id": "Asset id of the Sentinel-1 scene",
    "dw_id": "Asset id of the Dynamic World image",
    "s2_datetime": "Acquisition of the Sentinel-2 scene, UTC",
    "s1_datetime": "Acquisition of the Sentinel-1 scene, UTC",
    "processing_baseline": "Of the Sentinel-2 scene",
    "s2_tile": "MGRS tile of the Sentinel-2 scene",
    "s1_orbit_pass": "ASCENDING or DESCENDING",
    "s1_relative_orbit": "Relative orbit number of the Sentinel-1 scene",
    "epsg": "EPSG code of the row's UTM zone; 0 where it is not known",
    "geotransform": "(a, b, c, d, e, f): x = a*col + b*row + c, y = d*col + e*row + f at pixel corners, metres",
    "cloud_pct": "Cloud of the whole Sentinel-2 scene, 0..100",
    "label_source": "Whose labels the row has",
    "label_valid_frac": "Share of pixels that have a label, 0..1",
    "geometry": "Outline of the pixels as WKB, longitude before latitude, degrees; null where the place is not known",
    "bbox": "Bounds of the outline, degrees",
}
"""The columns of the index; the last two have no type in Croissant."""


def croissant_type(arrow: str) -> tuple[str, bool] | None:
    """(Croissant's type, whether it is an array of it) for Arrow's name of a type; None for what it cannot say."""
    inner = _LIST.match(arrow)
    plain = inner[1] if inner else arrow
    named = next((name for pattern, name in _TYPES if pattern.match(plain)), None)
    return (named, inner is not None) if named else None


def record_sets(described: Described) -> list[dict[str, Any]]:
    """All record sets, the samples first."""
    names = {file.name for file in described.files}
    found = [_samples(SAMPLES, INDEX, described.index_columns, "Every row of the index: one a location and season.")]
    for split in described.splits:
        if f"index-{split}.parquet" in names:
            about = f"The rows of the split '{split}'."
            found.append(_samples(f"{SAMPLES}-{split}", f"index-{split}.parquet", described.index_columns, about))
    found.append(_splits(described))
    found += [_legend(array) for array in LEGENDS if _has(described, array)]
    for name, columns in described.tables.items():
        if not name.startswith("index"):
            stem = PurePosixPath(name).stem
            found.append(_table(stem, name, columns, f"The rows of {name}."))
    return found


def _has(described: Described, array: str) -> bool:
    return any(found.name == array for store in described.stores for found in store.arrays)


def _samples(record_set: str, file: str, columns: Mapping[str, str], about: str) -> dict[str, Any]:
    found = _table(record_set, file, columns, about)
    found["key"] = [{"@id": f"{record_set}/{name}"} for name in ("store", "row", "season") if name in columns]
    for field in found["field"]:
        if field["name"] == "split":
            field["references"] = {"field": {"@id": "splits/name"}}
    return found


def _table(record_set: str, file: str, columns: Mapping[str, str], about: str) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": record_set,
        "name": record_set,
        "description": about,
        "field": [
            _field(record_set, file, column, *kind)
            for column, arrow in columns.items()
            if (kind := croissant_type(arrow)) is not None
        ],
    }


def _field(record_set: str, file: str, column: str, kind: str, is_array: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{record_set}/{column}",
        "name": column,
        "dataType": kind,
        "source": {"fileObject": {"@id": file}, "extract": {"column": column}},
    }
    if column in COLUMNS:
        found["description"] = COLUMNS[column]
    if is_array:
        found |= {"isArray": True, "arrayShape": "6" if column == "geotransform" else "-1"}
    return found


def _splits(described: Described) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "description": "The splits of the data set.",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [_constant("splits", "name", "sc:Text"), _constant("splits", "url", "sc:URL")],
        "data": [{"splits/name": split, "splits/url": _SPLITS[split]} for split in described.splits],
    }


def _legend(array: str) -> dict[str, Any]:
    name = f"classes-{array}"
    classes = next(legend for named, legend in LEGENDS.items() if named == array)
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"The classes of the array '{array}'; 255 is no label.",
        "dataType": "sc:Enumeration",
        "key": {"@id": f"{name}/code"},
        "field": [
            _constant(name, "code", "sc:Integer"),
            _constant(name, "name", "sc:Text"),
            _constant(name, "colour", "sc:Text"),
        ],
        "data": [{f"{name}/code": c.code, f"{name}/name": c.name, f"{name}/colour": c.colour} for c in classes],
    }


def _constant(record_set: str, name: str, kind: str) -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": f"{record_set}/{name}", "name": name, "dataType": kind}
