"""Recipes of kind 'osm': what is refused, what is published, and what makes another data set."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.osm_recipe import FREE_KEYS, OsmRecipe, rasters_digest
from pipeline.recipe import read_yaml
from pipeline.run_directory import changed_keys
from pipeline.schema.errors import UsageError
from pipeline.schema.strict import validated

RECIPES = Path(__file__).parents[2] / "recipes"
PLAIN: dict[str, Any] = {"tiles": "/data/runs/dw", "labels": {"kind": "wms", "url": "https://example.org/wms"}}


def recipe(**changed: Any) -> OsmRecipe:
    return validated(OsmRecipe, {**PLAIN, **changed}, "recipe")


@pytest.mark.parametrize("name", ["osm.yaml", "demo-osm.yaml"])
def test_the_recipes_that_come_along_are_sound(name: str) -> None:
    found = validated(OsmRecipe, read_yaml(RECIPES / name), name)
    assert found.stores == {"train": "osm_train", "test": "osm_test"}
    assert (found.source is None) == (name == "osm.yaml")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"labels": {"kind": "wms"}}, "labels.url is missing"),
        ({"source": {"kind": "emulator"}}, "leave one out"),
        ({"agreement": {"treshold": 0.4}}, "did you mean 'threshold'"),
        ({"split": {"test_tiles": -1}}, "'split.test_tiles' is -1"),
        ({"leakage": {"near": "keep"}}, "leakage.near"),
    ],
)
def test_a_slip_is_told_in_a_line(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        recipe(**changed)


def test_what_is_published_names_no_folder_of_this_machine() -> None:
    whole = recipe(
        inspection={"drop": "/home/me/drop.txt", "corrected": "/home/me/fixed"},
        leakage={"pretraining": "/data/runs/nol"},
        labels={"kind": "rasters", "folder": "/data/landuse"},
    )
    published = whole.published()
    assert "/home" not in str(published)
    assert "/data" not in str(published)
    assert (published["tiles"], published["inspection"]["drop"]) == ("dw", "drop.txt")
    assert "source" not in published


def test_the_digest_follows_what_decides_the_set_and_nothing_else() -> None:
    base = recipe().digest("content")
    how = {"per_second": 9, "timeout_s": 5, "attempts": 1, "cache": "maps", "version": "1.1.1"}
    assert recipe(labels={**PLAIN["labels"], **how}, tiles="elsewhere", max_failed_share=0.5).digest("content") == base
    assert recipe(leakage={"pretraining": "runs/nol"}).digest("content") == base
    others = [
        {"labels": {**PLAIN["labels"], "colour_distance": 20}},
        {"labels": {"kind": "wms"}, "source": {"kind": "emulator", "seed": 3}},
        {"agreement": {"threshold": 0.6}},
        {"split": {"seed": 1}},
        {"leakage": {"near": "allow"}},
    ]
    assert len({base, recipe().digest("other content"), *(recipe(**o).digest("content") for o in others)}) == 7


def test_only_keys_of_how_may_change_between_runs() -> None:
    moved = recipe(tiles="elsewhere", inspection={"drop": "a.txt"}, labels={**PLAIN["labels"], "per_second": 2})
    changed = changed_keys(recipe().canonical(), moved.canonical())
    assert changed == ["inspection.drop", "labels.per_second", "tiles"]
    assert all(key.startswith(FREE_KEYS) for key in changed)
    stricter = changed_keys(recipe().canonical(), recipe(agreement={"threshold": 0.7}).canonical())
    assert [key for key in stricter if not key.startswith(FREE_KEYS)] == ["agreement.threshold"]


def test_rasters_count_by_name_and_content(tmp_path: Path) -> None:
    import numpy as np
    import rasterio
    from rasterio.transform import Affine

    from pipeline.osm_rasters import OsmRasterSettings

    def save(value: int) -> str:
        with rasterio.open(
            tmp_path / "a.tif", "w", driver="GTiff", width=2, height=2, count=1, dtype="uint8", crs="EPSG:32633",
            transform=Affine(10, 0, 5e5, 0, -10, 6e6),
        ) as raster:  # fmt: skip
            raster.write(np.full((2, 2), value, np.uint8), 1)
        return rasters_digest(OsmRasterSettings(folder=tmp_path))

    assert save(1) == save(1) != save(2)
    identity = recipe(labels={"kind": "rasters", "folder": str(tmp_path)}).labels_identity("sum")
    assert identity["rasters"] == "sum"
    assert str(tmp_path) not in str(identity)
