"""The documents of a manifest: the data card, the citation, Croissant, STAC and the licences."""

from collections.abc import Mapping
from typing import Final

from pipeline.manifest.described import Described
from pipeline.manifest.documents.card import card_text
from pipeline.manifest.documents.citation import citation_text
from pipeline.manifest.documents.croissant import croissant_text
from pipeline.manifest.documents.licences import licences_text
from pipeline.manifest.documents.stac import collection_text

CARD_FILE: Final = "README.md"
CITATION_FILE: Final = "CITATION.cff"
CROISSANT_FILE: Final = "croissant.json"
COLLECTION_FILE: Final = "collection.json"
LICENCES_FILE: Final = "LICENSES.md"


def documents(described: Described) -> Mapping[str, bytes]:
    """The bytes of every document by its name in the manifest; the same description makes the same bytes."""
    texts = {
        CARD_FILE: card_text(described),
        CITATION_FILE: citation_text(described),
        CROISSANT_FILE: croissant_text(described),
        COLLECTION_FILE: collection_text(described),
        LICENCES_FILE: licences_text(described),
    }
    return {name: text.encode() for name, text in texts.items()}
