"""Blocks of YAML on the pages can be read; those that are pieces of a recipe hold keys and values that one takes."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from documentation.accepted import require_in_image
from documentation.recipe_keys import RECIPES
from documentation.shown_commands import pages
from pipeline.recipe import Recipe, read_yaml
from pipeline.schema.errors import UsageError
from pipeline.schema.strict import validated

ROOT = Path(__file__).parents[2]


def yaml_blocks() -> Iterator[tuple[str, str]]:
    for page in pages(ROOT):
        for token in MarkdownIt("commonmark").parse(page.read_text()):
            if token.type == "fence" and token.info.startswith("yaml"):
                yield f"{page.relative_to(ROOT)}-{(token.map or [0])[0] + 1}", token.content


BLOCKS = dict(yaml_blocks())


def check(found: dict[str, Any], where: str) -> bool:
    """Whether a block is a piece of a recipe; UsageError where it is one that would be refused."""
    if "kind" in found and found["kind"] in RECIPES:
        validated(RECIPES[found["kind"]][0], found, where)
        return True
    for model, section in RECIPES.values():
        if section and section in found:
            validated(model, found[section], where)
            found = {key: value for key, value in found.items() if key != section}
    if found and set(found) <= set(Recipe.model_fields):
        validated(Recipe, {**read_yaml(ROOT / "recipes" / "demo.yaml"), **found}, where)
        return True
    return not found


def arguments(found: Any) -> Iterator[list[str]]:
    """What services are started with: `args` of Kubernetes, `command` of Compose."""
    for key, value in found.items() if isinstance(found, dict) else enumerate(found if isinstance(found, list) else ()):
        if key in ("args", "command"):
            yield shlex.split(value) if isinstance(value, str) else [str(word) for word in value]
        else:
            yield from arguments(value)


@pytest.mark.parametrize("where", BLOCKS)
def test_blocks_of_yaml_are_recipes_or_something_else_whole(where: str) -> None:
    documents = list(yaml.safe_load_all(BLOCKS[where]))
    assert documents
    for found in documents:
        assert isinstance(found, dict), where
        if not check(found, where):
            for words in arguments(found):
                require_in_image(words, ROOT)


def test_a_mistake_is_found() -> None:
    with pytest.raises(UsageError, match="unknown key 'quality"):
        check({"quality": {"dw_min_valid_shre": 0.5}}, "here")
    with pytest.raises(UsageError, match=r"pretrain|unknown key"):
        check({"pretrain": {"epoch": 5}}, "here")
    assert not check({"services": {"emulator": {}}}, "here")
