from pathlib import Path
from typing import Any

import pytest

from pipeline.recipe import read_yaml
from pipeline.schema.errors import UsageError
from pipeline.schema.strict import validated
from pipeline.tile_recipe import DwRecipe

RECIPES = Path(__file__).parents[2] / "recipes"


def recipe(**keys: Any) -> DwRecipe:
    plain = {"kind": "dw", "experts": {"folder": "here"}, "source": {"kind": "emulator", "seed": 7}, **keys}
    return validated(DwRecipe, plain, where="dw.yaml")


@pytest.mark.parametrize("name", ["dw.yaml", "demo-dw.yaml"])
def test_the_recipes_that_come_with_it(name: str) -> None:
    found = validated(DwRecipe, read_yaml(RECIPES / name), where=name)
    assert found.stores == {"train": "dw_train", "test": "dw_test"}
    assert (found.pair.s2_days, found.pair.s1_days, found.pair.cloud_max_pct) == (15, 15, 20), "as published"


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"experts": {}}, "give either 'folder', or 'train' and 'test'"),
        ({"experts": {"folder": "a", "test": "b"}}, "give either 'folder', or 'train' and 'test'"),
        ({"pair": {"cloud_max": 10}}, "unknown key 'pair.cloud_max'; did you mean 'cloud_max_pct'?"),
        ({"fetch": {"s2_min_valid_share": 2}}, "'fetch.s2_min_valid_share' is 2"),
        ({"name": "No Name"}, "'name' is 'No Name'"),
    ],
)
def test_a_bad_recipe_is_told_in_one_line(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        recipe(**keys)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_folders_by_layout_or_by_split() -> None:
    assert recipe().experts.folders() == ((Path("here"), None),)
    assert recipe().experts.folder_of("test") == Path("here")
    apart = recipe(experts={"train": "a", "test": "b"}).experts
    assert apart.folders() == ((Path("a"), "train"), (Path("b"), "test"))
    assert apart.folder_of("test") == Path("b")
    with pytest.raises(ValueError, match="no folder of test tiles"):
        recipe(experts={"train": "a"}).experts.folder_of("test")


def test_workers_are_told_where_the_tiles_lie_and_nothing_else_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    found = recipe(experts={"train": "a", "test": "/b"}).located()
    assert found.experts.folders() == ((Path("/a"), "train"), (Path("/b"), "test"))
    assert found.digest("tiles") == recipe(experts={"train": "a"}).digest("tiles")


@pytest.mark.parametrize(
    ("keys", "same"),
    [
        ({"experts": {"folder": "elsewhere"}}, True),
        ({"part_tiles": 3}, True),
        ({"fetch": {"concurrency": 9, "max_failed_share": 0.5}}, True),
        ({"budget": {"eecu_hours": 3}}, True),
        ({"source": {"kind": "emulator", "seed": 8}}, False),
        ({"pair": {"s2_days": 3}}, False),
        ({"fetch": {"s1_min_valid_share": 0.5}}, False),
        ({"store": {"seed": 3}}, False),
    ],
)
def test_the_digest_is_of_what_decides_the_data(keys: dict[str, Any], same: bool) -> None:
    assert (recipe(**keys).digest("tiles") == recipe().digest("tiles")) == same
    assert recipe().digest("other tiles") != recipe().digest("tiles")


def test_no_path_of_this_machine_is_published() -> None:
    plain = recipe(experts={"train": "/home/me/train-tiles"}).published()
    assert plain["experts"] == {"train": "train-tiles"}
