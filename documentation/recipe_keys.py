"""Every key of a recipe, from the settings that read it: the same classes that refuse what is wrong."""

import re
from collections.abc import Iterator
from inspect import cleandoc
from typing import Any, Final, Literal, get_args, get_origin

from markdown.extensions.toc import slugify
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from documentation.cells import code, plain, table
from documentation.value_words import models, value_words
from pipeline.import_recipe import ImportRecipe
from pipeline.osm_recipe import OsmRecipe
from pipeline.recipe import Recipe
from pipeline.schema.strict import Strict
from pipeline.tile_recipe import DwRecipe
from training.compare.settings import CompareSettings
from training.pseudo.settings import PseudoLabelSettings
from training.robustness.settings import RobustnessSettings
from training.settings import PretrainSettings
from training.transfer.settings import TransferSettings

RECIPES: Final[dict[str, tuple[type[Strict], str]]] = {
    "build": (Recipe, ""),
    "dw": (DwRecipe, ""),
    "osm": (OsmRecipe, ""),
    "import": (ImportRecipe, ""),
    "pretrain": (PretrainSettings, "pretrain"),
    "pseudo-label": (PseudoLabelSettings, "pseudo_label"),
    "transfer": (TransferSettings, "transfer"),
    "compare": (CompareSettings, "compare"),
    "robustness": (RobustnessSettings, "robustness"),
}
"""The settings of each kind of recipe, and the section of the file that holds them; none: the whole file."""

ELSEWHERE: Final = {"pretrain": PretrainSettings}
"""Sections that have a page of their own."""

ANCHOR: Final = re.compile(r'<span id="([^"]+)">(.*?)</span>')


def recipe_page(kind: str) -> str:
    """Markdown: a section and a table for every group of keys."""
    model, section = RECIPES[kind]
    said = dict.fromkeys(_sections(model, section, section))  # what two kinds of a source have in common stands once
    anchored: set[str] = set()
    return ANCHOR.sub(lambda match: _once(match, anchored), "\n\n".join(said))


def undocumented(model: type[BaseModel]) -> Iterator[str]:
    """Keys, of these settings and those within, of which nothing is said."""
    for name, field in model.model_fields.items():
        if not _what(field):
            yield f"{model.__name__}.{name}"
        for inner in models(field.annotation):
            yield from undocumented(inner)


def _sections(model: type[BaseModel], path: str, title: str) -> Iterator[str]:
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    keys = table(
        ("Key", "Value", "Default", "What it does"),
        (
            [_key(path, key), value_words(key, field), _default(field), _told(path, key, field)]
            for key, field in fields.items()
        ),
    )
    yield "\n\n".join([*([f"## {title}"] if title else []), plain(_first_paragraphs(model)), keys])
    for key, field in sorted(fields.items(), key=lambda item: item[0] == "release"):
        for inner, name in _titled(path, key, field):
            yield from _sections(inner, f"{path}.{key}".lstrip("."), name)


def _key(path: str, key: str) -> str:
    return f'<span id="{path}.{key}">{code(key)}</span>' if path else code(key)


def _once(match: re.Match[str], anchored: set[str]) -> str:
    """A key with its anchor; without it where another kind's key of that name has it already."""
    again = match[1] in anchored
    anchored.add(match[1])
    return match[2] if again else match[0]


def _first_paragraphs(model: type[BaseModel]) -> str:
    return cleandoc(model.__doc__ or "")


def _what(field: FieldInfo) -> str:
    if field.description:
        return plain(field.description)
    inner = models(field.annotation)
    if inner:
        return plain(" Or: ".join(_first_paragraphs(one).split("\n\n")[0] for one in inner))
    if get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1:
        return "Says which keys follow."
    return ""


def _told(path: str, key: str, field: FieldInfo) -> str:
    """What a key does, and where the keys within it stand."""
    if key in ELSEWHERE:
        return f"{_what(field)} See [its own page]({key}.md)."
    within = [f"[{title}](#{_anchor(title)})" for _, title in _titled(path, key, field)]
    return " ".join([_what(field), *([f"Keys: {', '.join(within)}."] if within else [])])


def _titled(path: str, key: str, field: FieldInfo) -> list[tuple[type[BaseModel], str]]:
    """The settings that a key may hold, each with the title of its section."""
    within = [inner for inner in models(field.annotation) if inner is not ELSEWHERE.get(key)]
    whole = f"{path}.{key}".lstrip(".")
    return [(inner, whole + (f", {_kind(inner)}" if len(within) > 1 else "")) for inner in within]


def _anchor(title: str) -> str:
    """What Markdown makes of a title for links (Python-Markdown, toc)."""
    anchor: str = slugify(title, "-")
    return anchor


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value: Any = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined or value in ("", (), {}):
        return "none"
    if isinstance(value, BaseModel):
        return ""
    return code(_yaml(value))


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(_yaml(one) for one in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _kind(model: type[BaseModel]) -> str:
    field = model.model_fields.get("kind")
    return model.__name__ if field is None else f"kind: {field.default}"
