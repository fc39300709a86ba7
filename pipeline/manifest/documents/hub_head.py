"""The YAML head of README.md that the Hugging Face Hub reads (huggingface.co/docs/hub/datasets-cards)."""

from typing import Any, Final

import yaml

from pipeline.manifest.described import Described
from pipeline.manifest.documents.kinds import is_emulated, keywords_of, text_of, title_of
from pipeline.manifest.documents.licences import licence_of
from pipeline.manifest.documents.names import slug

FENCE: Final = "---\n"

SIZES: Final = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
)
"""(below this many rows, the Hub's word for it)."""


def size_category(rows: int) -> str:
    """The Hub's word for so many rows."""
    return next((word for below, word in SIZES if rows < below), "10M<n<100M")


def hub_head(described: Described) -> str:
    """The head with its fences; what it names lies where a repository has the folders manifest/ and store/."""
    emulated = is_emulated(described)
    plain: dict[str, Any] = {
        "pretty_name": title_of(described),
        "license": licence_of(described).hub,
        "task_categories": ["image-segmentation"],
        "annotations_creators": ["machine-generated" if emulated else text_of(described).annotations],
        "size_categories": [size_category(described.locations * described.seasons)],
        "tags": [slug(word) for word in keywords_of(described)],
        "version": described.release.version,
        "configs": [{"config_name": "index", "data_files": _data_files(described), "default": True}],
    }
    return FENCE + yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120) + FENCE


def _data_files(described: Described) -> list[dict[str, str]]:
    splits = described.splits
    if len(splits) == 1:
        return [{"split": splits[0], "path": "manifest/index.parquet"}]
    return [{"split": split, "path": f"manifest/index-{split}.parquet"} for split in splits]
