"""Whether collection.json agrees with the stores, the index and the tables."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.content import DIGEST_ATTRIBUTE
from pipeline.manifest.documents.stac import DIGEST_KEY, EVERYWHERE, EXTENSIONS, MULTIHASH_SHA256, STAC_VERSION
from pipeline.manifest.documents.stamps import utc_text
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.known_keys import STAC_KEYS, STAC_MAPS
from pipeline.manifest.verify.told import Told, attempt, exists, extent_in, resolved, sha256_of, size_of


def check_stac(told: Told) -> Iterator[Finding]:
    """Findings on collection.json, by its parts."""
    yield from told.unknown(STAC_KEYS, STAC_MAPS)
    yield from told.differs("stac_version", told.plain.get("stac_version"), STAC_VERSION, "this form of manifest")
    yield from told.differs(
        "stac_extensions", told.plain.get("stac_extensions"), list(EXTENSIONS), "this form of manifest"
    )
    if told.tree.provenance:
        digest = told.tree.provenance.get("content_digest", {}).get("dataset")
        yield from told.differs(DIGEST_KEY, told.plain.get(DIGEST_KEY), digest, "provenance.json")
    yield from _extent(told)
    yield from _links(told)
    yield from _assets(told)


def _extent(told: Told) -> Iterator[Finding]:
    extent = extent_in(told.tree)
    if extent is None:
        return
    said = _map(told.plain.get("extent"))
    bbox = list(extent.bbox) if extent.bbox else EVERYWHERE
    yield from told.differs("extent.spatial.bbox", _map(said.get("spatial")).get("bbox"), [bbox], "the index")
    times = [utc_text(time) if time else None for time in (extent.first, extent.last)]
    yield from told.differs(
        "extent.temporal.interval", _map(said.get("temporal")).get("interval"), [times], "the index"
    )
    codes = [f"EPSG:{code}" for code in extent.epsg]
    yield from told.differs(
        "summaries.proj:code", _map(told.plain.get("summaries")).get("proj:code", []), codes, "the index"
    )


def _links(told: Told) -> Iterator[Finding]:
    tree, named = told.tree, set()
    for link in (_map(link) for link in told.plain.get("links") or ()):
        href = str(link.get("href"))
        if "://" in href:
            continue
        path, at = resolved(href), f"links {href}"
        named.add(path)
        if not exists(tree, path):
            yield told.finding(at, f"leads to {path}, which is not there")
            continue
        if "file:checksum" in link:
            true = sha256_of(tree, path)
            expected = true and MULTIHASH_SHA256 + true
            yield from told.differs(f"{at} file:checksum", link["file:checksum"], expected, path)
        size = size_of(tree, path)
        if "file:size" in link and size is not None:
            yield from told.differs(f"{at} file:size", link["file:size"], size, path)
    for path in sorted(tree.checksums):
        if path.startswith("manifest/") and path.endswith(".parquet") and path not in named:
            yield told.finding("links", f"no link leads to {path}")


def _assets(told: Told) -> Iterator[Finding]:
    assets = {name: _map(asset) for name, asset in _map(told.plain.get("assets")).items()}
    named = {resolved(str(asset.get("href"))): name for name, asset in assets.items()}
    for store, name in named.items():
        at = f"assets.{name}"
        if store not in told.tree.stores:
            yield told.finding(at, f"leads to {store}, which is no store here", store=store)
            continue
        yield from _store(told, at, assets[name], store)
    for store in told.tree.stores:
        if store not in named:
            yield told.finding("assets", f"no asset leads to {store}", store=store)


def _store(told: Told, at: str, asset: Mapping[str, Any], store: str) -> Iterator[Finding]:
    tree, group = told.tree, told.tree.stores[store]
    metadata = attempt(lambda: json.loads((tree.root / store / "zarr.json").read_bytes())) or {}
    for key in ("zarr_format", "node_type"):
        yield from told.differs(f"{at} zarr:{key}", asset.get(f"zarr:{key}"), metadata.get(key), store)
    if asset.get("zarr:consolidated") and metadata.get("consolidated_metadata") is None:
        yield told.finding(f"{at} zarr:consolidated", f"is true, but {store} has no consolidated metadata", store=store)
    yield from told.differs(f"{at} {DIGEST_KEY}", asset.get(DIGEST_KEY), group.attrs.get(DIGEST_ATTRIBUTE), store)
    arrays, variables = tree.arrays.get(store, {}), _map(asset.get("cube:variables"))
    yield from told.differs(f"{at} cube:variables", sorted(variables), sorted(arrays), store)
    if "s2" in arrays:
        yield from told.differs(f"{at} proj:shape", asset.get("proj:shape"), list(arrays["s2"].shape[-2:]), store)
    extent = extent_in(tree)
    if extent is not None:
        code = f"EPSG:{extent.epsg[0]}" if len(extent.epsg) == 1 else None
        yield from told.differs(f"{at} proj:code", asset.get("proj:code"), code, "the index")
    dimensions = _map(asset.get("cube:dimensions"))
    used: set[str] = set()
    for name in sorted(set(arrays) & set(variables)):
        array = arrays[name]
        used |= set(array.metadata.dimension_names or ())
        yield from _variable(told, f"{at} {name}", _map(variables[name]), array, store)
        yield from _dimensions(told, f"{at} {name}", dimensions, array, store)
    yield from told.differs(f"{at} cube:dimensions", sorted(dimensions), sorted(used), store)


def _variable(told: Told, at: str, said: Mapping[str, Any], array: Any, store: str) -> Iterator[Finding]:
    yield from told.differs(f"{at} dimensions", said.get("dimensions"), list(array.metadata.dimension_names), store)
    yield from told.differs(f"{at} noldo:shape", said.get("noldo:shape"), list(array.shape), store)
    yield from told.differs(f"{at} data_type", said.get("data_type"), array.dtype.name, store)
    digests = told.tree.provenance.get("content_digest", {}).get("arrays", {})
    name = array.basename
    many = f"{store.rpartition('/')[2].removesuffix('.zarr')}/{name}"
    true = digests.get(many, digests.get(name))
    if true is not None:
        yield from told.differs(f"{at} {DIGEST_KEY}", said.get(DIGEST_KEY), true, "provenance.json")


def _dimensions(told: Told, at: str, dimensions: Mapping[str, Any], array: Any, store: str) -> Iterator[Finding]:
    for name, size in zip(array.metadata.dimension_names or (), array.shape, strict=False):
        said = _map(dimensions.get(name))
        if "values" in said:
            bands = list(array.attrs.get("bands", ()))
            yield from told.differs(f"{at} dimension {name}", said["values"], bands, store)
        elif said:
            yield from told.differs(f"{at} dimension {name}", said.get("extent"), [0, size - 1], store)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
