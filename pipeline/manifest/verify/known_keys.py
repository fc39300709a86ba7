"""The keys that may stand in a manifest's documents, and which one was probably meant."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pipeline.manifest.documents.croissant_context import CONTEXT

CROISSANT_KEYS: Final = frozenset(
    {
        "@context", "@id", "@type", "conformsTo",
        # schema.org: Dataset and what it is made of (Croissant 1.1, required, recommended and other properties)
        "abstract", "affiliation", "alternateName", "box", "citation", "contentSize", "contentUrl", "contributor",
        "copyrightHolder", "copyrightNotice", "creator", "creditText", "dateCreated", "dateModified", "datePublished",
        "description", "distribution", "email", "encodingFormat", "funder", "funding", "geo", "identifier",
        "inLanguage", "isAccessibleForFree", "isBasedOn", "keywords", "license", "maintainer", "measurementTechnique",
        "name", "propertyID", "publisher", "sameAs", "sdLicense", "sha256", "size", "spatialCoverage",
        "temporalCoverage", "unitText", "url", "usageInfo", "value", "variableMeasured", "version",
        # Croissant 1.1
        *(key for key in CONTEXT if not key.startswith("@")),
        "annotation", "excludes", "sdVersion", "unArchive", "readLines",
        # Croissant RAI 1.0
        *(f"rai:{name}" for name in (
            "annotationsPerItem", "annotatorDemographics", "dataAnnotationAnalysis", "dataAnnotationPlatform",
            "dataAnnotationProtocol", "dataBiases", "dataCollection", "dataCollectionMissingData",
            "dataCollectionRawData", "dataCollectionTimeframe", "dataCollectionType", "dataImputationProtocol",
            "dataLimitations", "dataManipulationProtocol", "dataPreprocessingProtocol", "dataReleaseMaintenancePlan",
            "dataSocialImpact", "dataUseCases", "machineAnnotationTools", "personalSensitiveInformation",
        )),
        # GeoCroissant 1.0
        *(f"geocr:{name}" for name in (
            "bandConfiguration", "bandNameList", "bandwidth", "centerWavelength", "coordinateReferenceSystem",
            "recordEndpoint", "samplingStrategy", "spatialBias", "spatialIndex", "spatialResolution",
            "spectralBandMetadata", "temporalResolution", "timeSeriesIndex", "totalBands",
        )),
        # PROV-O
        *(f"prov:{name}" for name in (
            "endedAtTime", "label", "startedAtTime", "used", "value", "wasAssociatedWith", "wasAttributedTo",
            "wasDerivedFrom", "wasGeneratedBy",
        )),
    }
)  # fmt: skip
"""Of croissant.json."""

CROISSANT_MAPS: Final = frozenset({"@context", "data", "examples"})
"""Keys whose values hold names of somebody's own, not keys of the vocabulary."""

STAC_KEYS: Final = frozenset(
    {
        # STAC 1.1: Collection, Provider, Extent, Link, Asset, common metadata
        "assets", "bands", "bbox", "constellation", "created", "data_type", "datetime", "deprecated", "description",
        "email", "experimental", "extent", "gsd", "href", "id", "instruments", "interval", "item_assets", "keywords",
        "license", "links", "mission", "name", "nodata", "platform", "providers", "published", "rel", "roles",
        "spatial", "stac_extensions", "stac_version", "summaries", "temporal", "title", "type", "unit", "updated",
        "url", "version",
        # Datacube 2.2.0, its objects included
        "axes", "axis", "cube:dimensions", "cube:variables", "dimensions", "geometry_types", "reference_system", "step",
        "values",
        # File 2.1.0, Projection 2.0.0, Zarr 1.0.0
        "file:byte_order", "file:checksum", "file:header_size", "file:local_path", "file:size", "proj:bbox",
        "proj:code", "proj:shape", "proj:transform", "zarr:consolidated", "zarr:node_type", "zarr:zarr_format",
        # Our own
        "noldo:content_digest", "noldo:shape",
    }
)  # fmt: skip
"""Of collection.json."""

STAC_MAPS: Final = frozenset({"assets", "cube:dimensions", "cube:variables"})

CFF_KEYS: Final = frozenset(
    {
        "abstract", "affiliation", "authors", "cff-version", "commit", "contact", "date-released", "description", "doi",
        "email", "family-names", "given-names", "identifiers", "journal", "keywords", "license", "license-url",
        "message", "name", "notes", "orcid", "preferred-citation", "references", "repository", "repository-artifact",
        "repository-code", "title", "type", "url", "value", "version", "website", "year",
    }
)  # fmt: skip
"""Of CITATION.cff (Citation File Format 1.2.0)."""

HUB_KEYS: Final = frozenset(
    {
        "annotations_creators", "config_name", "configs", "data_files", "default", "language", "language_creators",
        "license", "license_link", "license_name", "multilinguality", "paperswithcode_id", "path", "pretty_name",
        "size_categories", "source_datasets", "split", "tags", "task_categories", "task_ids", "version",
    }
)  # fmt: skip
"""Of the head of README.md (huggingface_hub, DatasetCardData; the Hub's own metadata of data files)."""


def unknown_keys(
    plain: Any, known: frozenset[str], maps: frozenset[str] = frozenset(), at: str = ""
) -> Iterator[tuple[str, str, str | None]]:
    """(where, key, the known key that it resembles) of every key that is not known, however deep.

    What stands right under a key of `maps` is a name, not a key; below it keys are keys again, JSON-LD's literals
    aside.
    """
    if isinstance(plain, list):
        for number, item in enumerate(plain):
            yield from unknown_keys(item, known, maps, f"{at}[{label_of(item, number)}]")
    if not isinstance(plain, Mapping):
        return
    for key, value in plain.items():
        where = f"{at}.{key}" if at else str(key)
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.75)
            yield where, str(key), near[0] if near else None
        elif key in maps and isinstance(value, Mapping):
            for name, item in () if str(key).startswith("@") else value.items():
                yield from unknown_keys(item, known, maps, f"{where}.{name}")
        elif key not in maps or not isinstance(value, list):
            yield from unknown_keys(value, known, maps, where)


def label_of(item: Any, number: int) -> str:
    """What to call an item of a list: its own name, or its number."""
    if isinstance(item, Mapping):
        for key in ("@id", "name", "href", "title"):
            if isinstance(item.get(key), str):
                return str(item[key])
    return str(number)
