from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.manifest.described import Described
from pipeline.manifest.documents.card import card_text


def test_the_hub_reads_its_head(tree: Path) -> None:
    from huggingface_hub import DatasetCard

    card = DatasetCard.load(tree / "manifest/README.md")
    head = card.data.to_dict()
    assert head["license"] == "cc-by-4.0"
    assert head["size_categories"] == ["n<1K"]
    (config,) = head["configs"]
    for file in config["data_files"]:
        assert (tree / file["path"]).is_file()
    assert card.text.lstrip().startswith("# Emulated")


def test_the_card_says_what_it_is_and_how_to_check_it(describe_made_up: Callable[..., Described]) -> None:
    text = card_text(describe_made_up())
    for needed in (
        "uint8 (3, 4, 13, 8, 8)",
        "8 snow & ice; 255 no label",
        "sha256sum -c --quiet manifest/manifest-sha256.txt",
        "noldo manifest verify .",
        "sha256:whole",
        "Contains modified Copernicus Sentinel data 2020-2021.",
        "National Geographic Society",
        'zarr.open_group("store/nol.zarr"',
    ):
        assert needed in text
    assert "emulated" not in text.lower()


@pytest.mark.parametrize("kind", ["pretraining", "dw", "osm", "dfc2020"])
def test_an_emulated_data_set_claims_no_satellite_data(describe_made_up: Callable[..., Described], kind: str) -> None:
    text = card_text(describe_made_up(kind, emulated=True))
    assert "depicts no place on Earth" in text
    assert "Contains modified" not in text
