"""croissant.json: Croissant 1.1 with RAI 1.0 and Geo 1.0, for data set search, reviewers and mlcroissant."""

import json
from typing import Any, Final

from pipeline.manifest.described import Described, StoreDescribed
from pipeline.manifest.documents.collecting import collecting_of
from pipeline.manifest.documents.croissant_context import CONFORMS_TO, CONTEXT
from pipeline.manifest.documents.croissant_geo import geo_properties
from pipeline.manifest.documents.croissant_records import record_sets
from pipeline.manifest.documents.kinds import (
    dataset_digest,
    is_emulated,
    keywords_of,
    summary_of,
    title_of,
)
from pipeline.manifest.documents.licences import attributions, licence_of, sources_of
from pipeline.manifest.documents.limitations import biases, limitations, use_cases
from pipeline.manifest.documents.names import bibtex, creators_of, home_of, orcid_url, person_name
from pipeline.manifest.documents.stamps import utc_text
from pipeline.schema.release import Creator

PARQUET: Final = ["application/vnd.apache.parquet", "application/x-parquet"]
"""The registered media type, and the one that mlcroissant reads."""
ZARR: Final = "application/vnd.zarr; version=3"

DIGEST_NAME: Final = "content digest"

ASSETS: Final = "assets.parquet"


def croissant_text(described: Described) -> str:
    """croissant.json."""
    return json.dumps(croissant_record(described), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def croissant_record(described: Described) -> dict[str, Any]:
    """The description as plain data; files are named relative to the folder manifest/."""
    release = described.release
    found: dict[str, Any] = {
        "@context": dict(CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": list(CONFORMS_TO),
        "name": title_of(described),
        "description": summary_of(described),
        "license": [licence_of(described).url],
        "creator": [_creator(creator) for creator in creators_of(described)],
        "datePublished": described.date.isoformat(),
        "version": release.version,
        "keywords": list(keywords_of(described)),
        "inLanguage": "en",
        "isLiveDataset": False,
        "citeAs": bibtex(described),
        "identifier": {"@type": "PropertyValue", "propertyID": DIGEST_NAME, "value": dataset_digest(described)},
        "size": {"@type": "QuantitativeValue", "value": described.locations, "unitText": "locations"},
    }
    if url := home_of(described):
        found["url"] = url
    if terms := attributions(described):
        found["creditText"] = " ".join(terms)
    found |= geo_properties(described)
    found |= _provenance(described)
    found |= _responsible_ai(described)
    found["distribution"] = [*_files(described), *(_file_set(store) for store in described.stores)]
    found["recordSet"] = record_sets(described)
    return found


def _creator(creator: Creator) -> dict[str, Any]:
    person = person_name(creator)
    if person is None:
        return {"@type": "sc:Organization", "name": creator.name}
    found: dict[str, Any] = {"@type": "sc:Person", "name": f"{person.given} {person.family}".strip()}
    if url := orcid_url(creator):
        found["url"] = url
    if creator.affiliation:
        found["affiliation"] = {"@type": "sc:Organization", "name": creator.affiliation}
    return found


def _provenance(described: Described) -> dict[str, Any]:
    provenance = described.provenance
    derived: list[dict[str, Any]] = [
        {"@type": "prov:Entity", "@id": source.uri, "prov:label": source.name} for source in sources_of(described)
    ]
    if any(file.name == ASSETS for file in described.files):
        derived.append({"@id": ASSETS})
    commit = provenance.get("code", {}).get("commit")
    activity = {
        "@type": "prov:Activity",
        "prov:label": "noldo",
        "prov:wasAssociatedWith": {
            "@type": "prov:SoftwareAgent",
            "prov:label": "noldo",
            "prov:value": f"commit {commit}" if commit else "commit not known",
        },
        "prov:used": {
            "@type": "prov:Plan",
            "prov:label": "recipe, in full in provenance.json",
            "prov:value": str(provenance["recipe_digest"]),
        },
    }
    return {"prov:wasDerivedFrom": derived, "prov:wasGeneratedBy": activity}


def _responsible_ai(described: Described) -> dict[str, Any]:
    collecting, extent = collecting_of(described), described.extent
    found: dict[str, Any] = {
        "rai:dataCollection": collecting.collection,
        "rai:dataCollectionType": [collecting.collection_type],
        "rai:dataCollectionRawData": collecting.raw_data,
        "rai:dataCollectionMissingData": collecting.missing_data,
        "rai:dataPreprocessingProtocol": list(collecting.preprocessing),
        "rai:dataAnnotationProtocol": [collecting.annotation],
        "rai:annotationsPerItem": collecting.annotations_per_item,
        "rai:dataLimitations": list(limitations(described)),
        "rai:dataBiases": list(biases(described)),
        "rai:dataUseCases": list(use_cases(described)),
        "rai:dataSocialImpact": collecting.social_impact,
        "rai:personalSensitiveInformation": [collecting.personal],
        "rai:dataReleaseMaintenancePlan": collecting.maintenance,
    }
    if collecting.annotation_tools:
        found["rai:machineAnnotationTools"] = list(collecting.annotation_tools)
    if extent.first is not None and extent.last is not None and not is_emulated(described):
        found["rai:dataCollectionTimeframe"] = [utc_text(extent.first), utc_text(extent.last)]
    return found


def _files(described: Described) -> list[dict[str, Any]]:
    found = []
    for file in described.files:
        is_table = file.name.endswith(".parquet")
        found.append(
            {
                "@type": "cr:FileObject",
                "@id": file.name,
                "name": file.name,
                "contentUrl": file.name,
                "contentSize": f"{file.bytes} B",
                "encodingFormat": PARQUET if is_table else "application/json",
                "sha256": file.sha256,
            }
        )
    return found


def _file_set(store: StoreDescribed) -> dict[str, Any]:
    arrays = "; ".join(f"{array.name} {array.dtype} {array.shape}" for array in store.arrays)
    return {
        "@type": "cr:FileSet",
        "@id": store.path,
        "name": store.name,
        "description": f"One Zarr store, format 3, sharded over its rows, split '{store.split}': {arrays}. Open the "
        "folder; a file by itself means nothing.",
        "encodingFormat": ZARR,
        "includes": f"../{store.path}/**",
    }
