"""Keys of recipes in words: type, unit, range, default, and where those within stand."""

from typing import Annotated, Literal

import pytest
from pydantic import Field

from documentation.recipe_files import first_words, recipe_table
from documentation.recipe_keys import RECIPES, recipe_page, undocumented
from documentation.value_words import type_words, value_words
from pipeline.schema.strict import Strict


class Inner(Strict):
    """What lies within."""

    kind: Literal["a"] = "a"
    width_km: Annotated[float, Field(gt=0, le=9)] = 2.5
    """How wide."""


class Outer(Strict):
    """All of it."""

    inner: Inner = Inner()
    sides: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=2)] | None = None
    """Its sides."""
    silent: bool = False


@pytest.mark.parametrize(
    ("key", "model", "words"),
    [
        ("width_km", Inner, "number, km, >&nbsp;0, ≤&nbsp;9"),
        ("kind", Inner, "`a`"),
        ("inner", Outer, "keys"),
        ("sides", Outer, "list of integer, ≥&nbsp;1, at least 2"),
        ("silent", Outer, "true or false"),
    ],
)
def test_values_in_words(key: str, model: type[Strict], words: str) -> None:
    assert value_words(key, model.model_fields[key]) == words


def test_types_of_several_kinds() -> None:
    assert type_words(Literal["x", "y"] | int | None) == "`x` or `y` or integer"


def test_a_page_leads_to_the_keys_within(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "made", (Outer, ""))
    page = recipe_page("made")
    assert "| `inner` | keys |  | What lies within. Keys: [inner](#inner). |" in page
    assert "## inner\n\nWhat lies within." in page
    assert (
        '| <span id="inner.width_km">`width_km`</span> | number, km, >&nbsp;0, ≤&nbsp;9 | `2.5` | How wide. |' in page
    )


def test_keys_of_which_nothing_is_said_are_found() -> None:
    assert list(undocumented(Outer)) == ["Outer.silent"]


def test_every_recipe_says_what_it_is() -> None:
    from pathlib import Path

    root = Path(__file__).parents[2]
    assert all(len(first_words(path)) > 20 for path in (root / "recipes").glob("*.yaml"))
    assert recipe_table(root).count("\n") == len(list((root / "recipes").glob("*.yaml"))) + 1
