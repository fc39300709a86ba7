from pipeline.manifest.card import data_card
from pipeline.manifest.provenance import provenance_record


def card(kind: str) -> str:
    provenance = provenance_record({"source": {"kind": kind}}, "d", {"dataset": "sha256:abc"})
    return data_card(name="nol", store="store/nol.zarr", rows=7, patch_px=264, provenance=provenance)


def test_the_card_says_what_it_is_and_how_to_check_it() -> None:
    text = card("earthengine")
    for needed in (
        "uint8 (7, 4, 13, 264, 264)",
        "8 snow & ice; 255 no label",
        "sha256sum -c --quiet manifest/manifest-sha256.txt",
        "noldo manifest digest .",
        "sha256:abc",
        "CC BY 4.0",
    ):
        assert needed in text
    assert "{" not in text


def test_an_emulated_data_set_claims_no_satellite_data() -> None:
    text = card("emulator")
    assert "Nothing here was observed by a satellite" in text
    assert "Copernicus" not in text
    assert "CC BY" not in text
