"""Whether croissant.json agrees with the files, where the public validator does not look: hashes, columns, keys."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pyarrow.parquet as pq

from pipeline.manifest.documents.croissant import DIGEST_NAME, PARQUET
from pipeline.manifest.documents.croissant_context import CONFORMS_TO, CONTEXT
from pipeline.manifest.documents.croissant_geo import box_text, coverage_text, crs_text
from pipeline.manifest.documents.croissant_records import croissant_type
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.known_keys import CROISSANT_KEYS, CROISSANT_MAPS, label_of
from pipeline.manifest.verify.told import (
    Told,
    attempt,
    exists,
    extent_in,
    locations_in,
    resolved,
    sha256_of,
    size_of,
)
from pipeline.parts import readable
from pipeline.schema.paths import AnyPath

REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "sc:Dataset": ("conformsTo", "name", "description", "license", "creator", "datePublished", "version",
                   "distribution", "recordSet", "identifier"),
    "cr:FileObject": ("@id", "name", "contentUrl", "encodingFormat", "sha256"),
    "cr:FileSet": ("@id", "name", "includes", "encodingFormat"),
    "cr:RecordSet": ("@id", "name", "field"),
    "cr:Field": ("@id", "name", "dataType"),
}  # fmt: skip
"""What mlcroissant only warns of, or looks over where it is misspelt."""

STORE_GLOB: Final = "/**"


def check_croissant(told: Told) -> Iterator[Finding]:
    """Findings on croissant.json, by its parts."""
    yield from told.unknown(CROISSANT_KEYS, CROISSANT_MAPS)
    yield from _context(told)
    nodes = list(_nodes(told.plain))
    for node in nodes:
        for key in REQUIRED.get(str(node.get("@type")), ()):
            if key not in node:
                yield told.finding(label_of(node, 0), f"has no '{key}'")
    yield from _references(told, nodes)
    yield from _files(told)
    yield from _stores(told)
    yield from _fields(told, nodes)
    yield from _facts(told)


def _nodes(plain: Any) -> Iterator[Mapping[str, Any]]:
    """Every object of the document, the outermost first; literals aside."""
    if isinstance(plain, Mapping):
        yield plain
        for key, value in plain.items():
            if key not in CROISSANT_MAPS:
                yield from _nodes(value)
    elif isinstance(plain, list):
        for item in plain:
            yield from _nodes(item)


def _context(told: Told) -> Iterator[Finding]:
    context = told.plain.get("@context")
    if not isinstance(context, Mapping):
        yield told.finding("@context", "is not the context of Croissant 1.1")
        return
    for key in sorted({*context, *CONTEXT}):
        if context.get(key) != CONTEXT.get(key):
            yield told.finding(f"@context.{key}", f"is {context.get(key)!r}, expected {CONTEXT.get(key)!r}")
    for version in CONFORMS_TO:
        if version not in _list(told.plain.get("conformsTo")):
            yield told.finding("conformsTo", f"does not name {version}")


def _references(told: Told, nodes: list[Mapping[str, Any]]) -> Iterator[Finding]:
    defined: dict[str, int] = {}
    for node in nodes:
        if "@type" in node and "@id" in node:
            defined[str(node["@id"])] = defined.get(str(node["@id"]), 0) + 1
    for name, times in defined.items():
        if times > 1:
            yield told.finding(name, f"is defined {times} times")
    for node in nodes:
        if set(node) == {"@id"} and str(node["@id"]) not in defined:
            yield told.finding("", f"refers to '{node['@id']}', which is not defined")


def _of_type(told: Told, key: str, kind: str) -> list[Mapping[str, Any]]:
    return [n for n in _list(told.plain.get(key)) if isinstance(n, Mapping) and n.get("@type") == kind]


def _files(told: Told) -> Iterator[Finding]:
    tree = told.tree
    for node in _of_type(told, "distribution", "cr:FileObject"):
        at, path = f"distribution {node.get('@id')}", resolved(str(node.get("contentUrl")))
        if not exists(tree, path):
            yield told.finding(at, f"names {path}, which is not there")
            continue
        yield from told.differs(f"{at} sha256", node.get("sha256"), sha256_of(tree, path), path)
        size = size_of(tree, path)
        if size is not None:
            yield from told.differs(f"{at} contentSize", node.get("contentSize"), f"{size} B", path)
        if path.endswith(".parquet") and node.get("encodingFormat") != PARQUET:
            yield told.finding(f"{at} encodingFormat", f"is {node.get('encodingFormat')!r}, expected {PARQUET!r}")
    named = {resolved(str(node.get("contentUrl"))) for node in _of_type(told, "distribution", "cr:FileObject")}
    for path in sorted(tree.checksums):
        if path.startswith("manifest/") and path.endswith(".parquet") and path not in named:
            yield told.finding("distribution", f"does not name {path}")


def _stores(told: Told) -> Iterator[Finding]:
    named = []
    for node in _of_type(told, "distribution", "cr:FileSet"):
        store = resolved(str(node.get("includes")).removesuffix(STORE_GLOB))
        named.append(store)
        if store not in told.tree.stores:
            yield told.finding(f"distribution {node.get('@id')}", f"names {store}, which is no store here", store=store)
    for store in told.tree.stores:
        if store not in named:
            yield told.finding("distribution", f"does not name {store}", store=store)


def _fields(told: Told, nodes: list[Mapping[str, Any]]) -> Iterator[Finding]:
    files = {node.get("@id"): str(node.get("contentUrl")) for node in _of_type(told, "distribution", "cr:FileObject")}
    schemas: dict[str, Any] = {}
    for node in nodes:
        source = node.get("source")
        if node.get("@type") != "cr:Field" or not isinstance(source, Mapping):
            continue
        name = (source.get("fileObject") or {}).get("@id")
        if name not in files:
            continue  # found as a reference to what is not defined
        path = resolved(files[name])
        if path not in schemas:
            schemas[path] = _schema(told.tree.root / path)
        if schemas[path] is not None:
            yield from _field(told, node, str((source.get("extract") or {}).get("column")), path, schemas[path])
    for path, schema in schemas.items():
        if schema is None:
            yield told.finding("recordSet", f"{path} cannot be read, so its columns were not checked")
    yield from _inline(told)


def _schema(path: AnyPath) -> Any:
    """The columns of a Parquet file; None where it cannot be read."""
    return attempt(lambda: pq.read_schema(readable(path)))


def _field(told: Told, node: Mapping[str, Any], column: str, path: str, schema: Any) -> Iterator[Finding]:
    if column not in schema.names:
        yield told.finding(f"field {node.get('@id')}", f"takes column '{column}', which {path} does not have")
        return
    arrow = str(schema.field(column).type)
    fitting = croissant_type(arrow)
    said = (node.get("dataType"), bool(node.get("isArray", False)))
    if said != fitting:
        expected = "no type of Croissant" if fitting is None else f"{fitting[0]}{' as an array' if fitting[1] else ''}"
        yield told.finding(f"field {node.get('@id')}", f"is {said[0]}, but '{column}' in {path} is {arrow}: {expected}")


def _inline(told: Told) -> Iterator[Finding]:
    for node in _of_type(told, "recordSet", "cr:RecordSet"):
        fields = {field.get("@id") for field in _list(node.get("field")) if isinstance(field, Mapping)}
        for record in _list(node.get("data")):
            if set(record) != fields:
                yield told.finding(f"recordSet {node.get('@id')}", "has a record whose keys are not its fields")
    found = [node for node in _of_type(told, "recordSet", "cr:RecordSet") if node.get("@id") == "splits"]
    names = sorted(record.get("splits/name") for node in found for record in _list(node.get("data")))
    if "split" in told.tree.index:
        yield from told.differs("recordSet splits", names, sorted(told.tree.index["split"].unique()), "the index")


def _facts(told: Told) -> Iterator[Finding]:
    plain, provenance = told.plain, told.tree.provenance
    identifier = plain.get("identifier")
    said = identifier.get("value") if isinstance(identifier, Mapping) else None
    if provenance:
        digest = provenance.get("content_digest", {}).get("dataset")
        yield from told.differs(f"identifier, the {DIGEST_NAME},", said, digest, "provenance.json")
        used = (plain.get("prov:wasGeneratedBy") or {}).get("prov:used") or {}
        recipe = provenance.get("recipe_digest")
        yield from told.differs("prov:wasGeneratedBy, the recipe,", used.get("prov:value"), recipe, "provenance.json")
    size = plain.get("size")
    count = locations_in(told.tree)
    if count is not None:
        said_size = size.get("value") if isinstance(size, Mapping) else None
        yield from told.differs("size", said_size, count, "the index")
    extent = extent_in(told.tree)
    if extent is None:
        return
    box = ((plain.get("spatialCoverage") or {}).get("geo") or {}).get("box")
    yield from told.differs("spatialCoverage", box, box_text(extent.bbox) if extent.bbox else None, "the index")
    times = coverage_text(extent) if extent.first and extent.last else None
    yield from told.differs("temporalCoverage", plain.get("temporalCoverage"), times, "the index")
    crs = "geocr:coordinateReferenceSystem"
    yield from told.differs(crs, plain.get(crs), crs_text(extent.epsg), "the index")


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
