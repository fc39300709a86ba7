"""collection.json: one STAC 1.1 Collection whose assets are the stores."""

import json
from collections.abc import Mapping
from typing import Any, Final

from pipeline.content import tree_digest
from pipeline.manifest.described import ArrayDescribed, Described, StoreDescribed
from pipeline.manifest.documents.croissant import PARQUET, ZARR
from pipeline.manifest.documents.kinds import dataset_digest, is_emulated, keywords_of, summary_of, title_of
from pipeline.manifest.documents.licences import licence_of
from pipeline.manifest.documents.names import collection_id, creators_of, home_of
from pipeline.manifest.documents.stamps import utc_text
from pipeline.schema.grid import PIXEL_M

STAC_VERSION: Final = "1.1.0"

EXTENSIONS: Final = tuple(
    f"https://stac-extensions.github.io/{name}/schema.json"
    for name in ("datacube/v2.2.0", "file/v2.1.0", "projection/v2.0.0", "version/v1.2.0", "zarr/v1.0.0")
)

EVERYWHERE: Final = [-180.0, -90.0, 180.0, 90.0]
"""Stands for a place that is not known: a collection must have a box (STAC 1.1, Spatial Extent Object)."""

DIGEST_KEY: Final = "noldo:content_digest"
"""Not of any extension: a folder has no file:checksum, so its content digest stands under a name of its own."""

MULTIHASH_SHA256: Final = "1220"
"""What a SHA-256 multihash begins with: function 0x12, 0x20 bytes (multiformats.io/multihash)."""

INDEX_DIMENSIONS: Final = {
    "location": "Row of the store: the rows of index.parquet with that row have its place, scenes and times",
    "tile": "Row of the store: the row of index.parquet with that row has its place, scenes and times",
    "season": "Season, in the order of the recipe's anchors",
    "y": "Pixel row from the north, in the UTM zone of the store's row",
    "x": "Pixel column from the west, in the UTM zone of the store's row",
    "coefficient": "a, b, c, d, e, f of x = a*col + b*row + c, y = d*col + e*row + f",
    "dw_class": "Class of Dynamic World",
}

AUXILIARY: Final = ("epsg", "geotransform")


def collection_text(described: Described) -> str:
    """collection.json."""
    return json.dumps(collection_record(described), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def collection_record(described: Described) -> dict[str, Any]:
    """The collection as plain data; references are relative to the folder manifest/.

    Assets are the stores only, and tables are links: the schema of the Zarr extension 1.0.0 asks every asset of a
    collection for a field of its own.
    """
    extent, release = described.extent, described.release
    interval = [utc_text(time) if time else None for time in (extent.first, extent.last)]
    return {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "stac_extensions": list(EXTENSIONS),
        "id": collection_id(described),
        "title": title_of(described),
        "description": _description(described),
        "keywords": list(keywords_of(described)),
        "license": licence_of(described).spdx,
        "version": release.version,
        "providers": _providers(described),
        "extent": {
            "spatial": {"bbox": [list(extent.bbox) if extent.bbox else EVERYWHERE]},
            "temporal": {"interval": [interval]},
        },
        DIGEST_KEY: dataset_digest(described),
        "summaries": _summaries(described),
        "links": _links(described),
        "assets": {store.name: _asset(store, described) for store in described.stores},
    }


def _description(described: Described) -> str:
    lacking = []
    if described.extent.bbox is None:
        lacking.append("Where the rows lie is not known: the box stands for anywhere.")
    if described.extent.first is None:
        lacking.append("When the scenes were taken is not known.")
    return " ".join([summary_of(described), *lacking])


def _providers(described: Described) -> list[dict[str, Any]]:
    makers = [{"name": creator.name, "roles": ["producer", "licensor"]} for creator in creators_of(described)]
    if is_emulated(described):
        return makers
    sentinel = {
        "name": "European Union and ESA, Copernicus",
        "roles": ["licensor", "producer"],
        "url": "https://www.copernicus.eu/",
    }
    return [sentinel, *makers]


def _summaries(described: Described) -> dict[str, Any]:
    found: dict[str, Any] = {"gsd": [PIXEL_M], "proj:code": [f"EPSG:{code}" for code in described.extent.epsg]}
    if not is_emulated(described):
        found |= {"constellation": ["sentinel-1", "sentinel-2"], "instruments": ["c-sar", "msi"]}
    return {key: values for key, values in found.items() if values}


def _links(described: Described) -> list[dict[str, Any]]:
    links: list[dict[str, Any]] = [
        {"rel": "license", "href": "./LICENSES.md", "type": "text/markdown", "title": "All terms"},
        {"rel": "license", "href": licence_of(described).url, "type": "text/html", "title": "Of the compilation"},
        {"rel": "describedby", "href": "./README.md", "type": "text/markdown", "title": "Data card"},
        {"rel": "describedby", "href": "./croissant.json", "type": "application/ld+json", "title": "Croissant"},
    ]
    if home := home_of(described):
        rel = "cite-as" if described.release.doi else "about"
        links.append({"rel": rel, "href": home, "type": "text/html"})
    for file in described.files:
        is_table = file.name.endswith(".parquet")
        links.append(
            {
                "rel": "index" if file.name.startswith("index") else "describedby",
                "href": f"./{file.name}",
                "type": PARQUET[0] if is_table else "application/json",
                "title": file.name,
                "file:checksum": MULTIHASH_SHA256 + file.sha256,
                "file:size": file.bytes,
            }
        )
    return links


def _asset(store: StoreDescribed, described: Described) -> dict[str, Any]:
    codes = described.extent.epsg
    shape = next(array.shape[-2:] for array in store.arrays if array.name == "s2")
    return {
        "href": f"../{store.path}",
        "type": ZARR,
        "title": f"{store.path}, split {store.split}, {store.rows:,} rows",
        "roles": ["data"],
        "zarr:zarr_format": 3,
        "zarr:node_type": "group",
        "zarr:consolidated": False,
        "proj:code": f"EPSG:{codes[0]}" if len(codes) == 1 else None,
        "proj:shape": list(shape),
        "cube:dimensions": cube_dimensions(store.arrays),
        "cube:variables": {array.name: _variable(array) for array in store.arrays},
        DIGEST_KEY: tree_digest({array.name: array.digest for array in store.arrays}),
    }


def cube_dimensions(arrays: tuple[ArrayDescribed, ...]) -> dict[str, Any]:
    """The dimensions of a store's arrays.

    None is 'spatial': that needs one system of coordinates for all rows (datacube 2.2.0), and rows lie in many zones.
    """
    found: dict[str, Any] = {}
    for array in arrays:
        for name, size in zip(array.dimensions, array.shape, strict=True):
            found.setdefault(name, _dimension(name, size, array.attributes))
    return found


def _dimension(name: str, size: int, attributes: Mapping[str, Any]) -> dict[str, Any]:
    bands = attributes.get("bands")
    if bands and name.endswith("_band"):
        return {"type": "bands", "description": "Bands in store order", "values": list(bands)}
    kind = "pixel" if name in ("x", "y") else name
    about = INDEX_DIMENSIONS.get(name, name)
    return {"type": kind, "description": about, "extent": [0, size - 1], "step": 1}


def _variable(array: ArrayDescribed) -> dict[str, Any]:
    return {
        "dimensions": list(array.dimensions),
        "type": "auxiliary" if array.name in AUXILIARY else "data",
        "description": str(array.attributes.get("long_name", array.name)),
        "unit": str(array.attributes.get("units", "1")),
        "data_type": array.dtype,
        "noldo:shape": list(array.shape),
        DIGEST_KEY: array.digest,
    }
