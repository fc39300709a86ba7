from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from pipeline.manifest.described import Described
from pipeline.manifest.documents.collecting import collecting_of
from pipeline.manifest.documents.kinds import summary_of
from pipeline.manifest.documents.limitations import biases, limitations, sampling_of, use_cases


def with_recipe(described: Described, recipe: Mapping[str, Any]) -> Described:
    return replace(described, provenance={**described.provenance, "recipe": dict(recipe)})


@pytest.mark.parametrize(
    ("sample", "needed"),
    [
        ({"place": "cities", "sigma_km": 30.0, "cities": 500}, "some 30 km (Gaussian) of one of the 500 most"),
        ({"place": "cities", "sigma_km": 9.0, "around": ["Munich", "Oslo"]}, "around Munich; Oslo, within some 9 km"),
        ({"place": "uniform", "within": "a.gpkg"}, "evenly over given polygons"),
        ({"place": "grid", "within": "a.gpkg"}, "side by side"),
        ({"place": "cities", "from": "list.csv"}, "given as a list"),
    ],
)
def test_the_sampling_is_that_of_the_recipe(
    describe_made_up: Callable[..., Described], sample: dict[str, Any], needed: str
) -> None:
    described = with_recipe(describe_made_up(), {"sample": sample})
    assert needed in sampling_of(described)
    assert needed in biases(described)[0]


@pytest.mark.parametrize(
    ("kind", "recipe", "needed"),
    [
        ("pretraining", {"seasons": {"window_days": 15, "s1_tolerance_days": None}}, "up to 30 days apart"),
        ("pretraining", {"seasons": {"window_days": 15, "s1_tolerance_days": 4.0}}, "up to 4 days apart"),
        ("dw", {"pair": {"s2_days": 15.0, "s1_days": 10.0}}, "within 15 days and Sentinel-1 within 10 days"),
    ],
)
def test_the_time_between_images_is_that_of_the_recipe(
    describe_made_up: Callable[..., Described], kind: str, recipe: dict[str, Any], needed: str
) -> None:
    assert needed in " ".join(limitations(with_recipe(describe_made_up(kind), recipe)))


def test_an_emulated_set_says_first_that_it_shows_nothing(describe_made_up: Callable[..., Described]) -> None:
    described = describe_made_up(emulated=True)
    assert limitations(described)[0].startswith("EMULATED")
    assert "Not for any statement about the Earth" in " ".join(use_cases(described))
    assert "EMULATED" not in " ".join(limitations(describe_made_up()))


def test_what_is_known_of_open_street_map(describe_made_up: Callable[..., Described]) -> None:
    said = " ".join(limitations(describe_made_up("osm")))
    assert "undated" in said
    assert "not what covers it" in said


def test_images_without_labels_claim_none(describe_made_up: Callable[..., Described]) -> None:
    described = describe_made_up()
    bare = {"kind": "import", "edition": "ssl4eo", "labels": None}
    described = replace(described, provenance={**described.provenance, "source": bare})
    assert limitations(described)[0] == "There are no labels."
    assert "Dynamic World" not in " ".join([*limitations(described), *use_cases(described), summary_of(described)])
    assert any("Level-1C" in line for line in limitations(described))


IMPORTS = {
    "pretraining": {"edition": "ssl4eo-v1.1", "labels": "nol.zip"},
    "dw": {"layout": "noldo-dw"},
    "osm": {"layout": "noldo-osm"},
    "dfc2020": {"layout": "dfc2020"},
}


@pytest.mark.parametrize("kind", IMPORTS)
def test_what_was_imported_claims_nothing_of_a_build(describe_made_up: Callable[..., Described], kind: str) -> None:
    described = describe_made_up(kind)
    provenance = {**described.provenance, "source": {"kind": "import", **IMPORTS[kind]}, "recipe": {}}
    described = replace(described, provenance=provenance)
    collecting = collecting_of(described)
    assert "read from" in collecting.collection or "were read" in collecting.collection
    for claim in ("chosen by metadata", "fetched", "map service"):
        assert claim not in collecting.collection
    said = " ".join([*limitations(described), *biases(described)])
    assert "agreement.parquet" not in said
    assert ("the index has each scene's baseline" in said) is (kind == "pretraining")
    assert ("The index has null there" in said) is (kind != "pretraining")
    assert ("10,000 most populated" in said) is (kind == "pretraining")


@pytest.mark.parametrize("kind", ["dw", "osm"])
def test_tiles_of_one_day_speak_of_no_seasons(describe_made_up: Callable[..., Described], kind: str) -> None:
    said = " ".join(biases(describe_made_up(kind)))
    assert "little cloud" in said
    assert "every season" not in said
    assert ("agreement.parquet" in " ".join(limitations(describe_made_up(kind)))) is (kind == "osm")
